// Package ghl is the source kind "ghl": Go High Level's signed webhooks. It verifies them (by package
// signature) and reads them; it knows no account, no store and no clock.
//
//	{"type":"ContactCreate","locationId":...,"id":...,...}                    flat, what is sent
//	{"type":"ContactCreate","webhookId":...,"data":{"locationId":...,...}}    nested, what the guide shows
//	                                   └──────────── both ──────────────▶ source.Draft
//
// What an event is to its lead:
//
//	type                                            effect   lead
//	ContactCreate, -Update, -TagUpdate, -DndUpdate  open     id
//	ContactDelete                                   amend    id; Status becomes "deleted"
//	Opportunity...                                  open     contactId
//	OpportunityDelete                               amend    contactId; changes nothing of the contact
//	everything else: messages, appointments,        record   none
//	INSTALL, UNINSTALL, types yet unknown
//
// GHL retries nothing but a 429, so a refusal is a lost lead. Only what makes an event unusable is
// refused: text that is not strict JSON, or a needed field (type, locationId, the contact's id, webhookId)
// that is missing or of another type. Everything else is taken as far as it goes: an unknown field is
// ignored, a value that does not fit is cut or left out and counted, and the body keeps it all.
package ghl
