// Package pixel is what a site puts on its pages, and what comes back from them: the script, the reading of
// the hits it sends, whose they may be, and how many are too many.
//
//	page ──GET /p.js──▶ Scripts            one small script, made for the pixel
//	     ──POST /p────▶ Origins ▸ Bot ▸ Rates ▸ Parse ──▶ domain.Hit     the edge asks in this order
//
// What it promises:
//
//   - Nothing is parsed before it is known whose it is, that its page may send it, and that there is room.
//   - A hit is checked as strictly as if it were forged, because it may be: a value is right, or cut to a
//     stated length and counted, or the hit is refused with the field and the rule.
//   - An e-mail or a phone in clear never becomes part of a hit. A page that sends one is refused; a server
//     that does has it handed on beside the hit, and taken out of the evidence.
//   - One bad hit of many refuses itself alone.
//
// It opens no socket, reads no clock and counts nothing: the edge does. It knows no person and no graph.
package pixel
