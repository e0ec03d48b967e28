package ghl_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
)

// usual is a contact of a usual size, a little over 1 KB.
const usual = `{"type":"ContactCreate","locationId":"ve9EPM428h8vShlRW1KT","versionId":"66d1a1e5c7b1f0a9d2c4e6f8","appId":"66d1a1e5c7b1f0a9d2c4e6f7",` +
	`"id":"nmFmQEsNgz6AVpgLVUJ0","address1":"3535 1st St N","city":"ruDsb","state":"AL","companyName":"Loan service","country":"US","source":"facebook lead form",` +
	`"dateAdded":"2026-11-22T10:15:30.123Z","dateOfBirth":"1990-05-14","dnd":false,"dndSettings":{"SMS":{"status":"inactive","message":"","code":""},"Email":{"status":"inactive","message":"","code":""}},` +
	`"email":"john.deo@example.com","name":"John Deo","firstName":"John","lastName":"Deo","phone":"+18832327657","postalCode":"35061","tags":["id magna sed","Dolor","hot \u00fcber"],` +
	`"website":"https://www.example.com/","attachments":[],"assignedTo":"nmFmQEsNgz6AVpgLVUJ0","customFields":[{"id":"BcdmQEsNgz6AVpgLVUJ0","value":"XYZ Corp"},{"id":"AcdmQEsNgz6AVpgLVUJ1","value":42},{"id":"CcdmQEsNgz6AVpgLVUJ2","value":["a","b"]}],` +
	`"attributionSource":{"url":"https://example.com/landing?utm_source=fb","campaign":"autumn","utmSource":"fb","utmMedium":"cpc","referrer":null,"gclid":null,"fbclid":"IwAR0x"},` +
	`"timestamp":"2026-11-22T10:15:30.456Z","webhookId":"7c2f1d1a-5f7e-4a0a-9a7b-0d0a4e6f9b11"}`

func BenchmarkParse(b *testing.B) {
	s, body := open(b), []byte(usual)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Parse(body); err != nil {
			b.Fatal(err)
		}
	}
}

// What the standard library's token stream costs for the same body, without looking at a single field or
// for duplicate keys.
func BenchmarkParse_StandardTokens(b *testing.B) {
	body := []byte(usual)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		d := json.NewDecoder(bytes.NewReader(body))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}
