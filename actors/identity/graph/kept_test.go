package graph_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/identity/graph"
)

// Whoever is found by a hashed e-mail or a phone has it in the record, whichever row gave it and in whatever form:
// the record is what suppressions and erasures see.
func TestBuild_TheRecordCarriesWhatItIsFoundBy(t *testing.T) {
	t.Parallel()
	const tel = "+14155550100"
	phone, _ := identity.PhoneHash(tel)
	jane := identity.HEMs("j.ane@gmail.com")
	for name, row := range map[string]struct {
		rows   []string
		phones []string // of the record, newest first
		hems   int
	}{
		"an e-mail of an older row": {[]string{`{"id":"p","title":"new","seen_at":"2026-02-01"}`, `{"id":"p","business_email":"j.ane@gmail.com"}`}, nil, 2},
		"of the newest and an older row": {[]string{
			`{"id":"p","personal_email":"jane@example.com","seen_at":"2026-02-01"}`, `{"id":"p","emails":["j.ane@gmail.com"]}`,
		}, nil, 3},
		"given by both":         {[]string{`{"id":"p","business_email":"j.ane@gmail.com","seen_at":"2026-02-01"}`, `{"id":"p","hems":["` + jane[0].MD5 + `"]}`}, nil, 2},
		"a digest and its mail": {[]string{`{"id":"p","hems":["` + jane[0].MD5 + `"],"seen_at":"2026-02-01"}`, `{"id":"p","business_email":"j.ane@gmail.com"}`}, nil, 3},
		"a phone's hash":        {[]string{`{"id":"p","phones":["` + strings.ToUpper(phone) + `"]}`}, []string{phone}, 0},
		"a phone of an older row is not told any more": {[]string{
			`{"id":"p","phones":["+14155550101"],"seen_at":"2026-02-01"}`, `{"id":"p","phones":["` + tel + `"]}`,
		}, []string{"+14155550101", phone}, 0},
		"a phone and its hash": {[]string{`{"id":"p","phones":["` + tel + `"],"seen_at":"2026-02-01"}`, `{"id":"p","phones":["` + phone + `"]}`}, []string{tel}, 0},
	} {
		f, _, refused := build(t, inputs{persons: strings.Join(row.rows, "\n")})
		require.Empty(t, refused, name)
		record, ok := f.Record("p")
		require.True(t, ok, name)
		require.Equal(t, row.phones, record.Phones, name)
		require.Len(t, record.HEMs, row.hems, name)
		subject := identity.SubjectOf(record)
		for kind, value := range map[domain.SuppressionKind]string{domain.SuppressEmail: "j.ane@gmail.com", domain.SuppressPhone: tel} {
			s, err := identity.NewSuppression(domain.GlobalScope, "", "", kind, value, "", day)
			require.NoError(t, err)
			list := identity.NewSuppressions(nil)
			list.Take(1, []domain.Suppression{s})
			_, suppressed := list.Check(subject)
			found := row.hems > 0 && kind == domain.SuppressEmail || row.phones != nil && kind == domain.SuppressPhone
			require.Equal(t, found, suppressed, "%s, by %s", name, kind)
		}
	}
}

// A record has a limit. What an older row gives beyond it is no key either: nobody is found by what their record
// does not say. Its visitors and clicks stay.
func TestBuild_WhatARecordCannotCarryIsNoKey(t *testing.T) {
	t.Parallel()
	var rows []string
	const months, each = 12, 100
	for month := range months {
		var emails []string
		for i := range each {
			emails = append(emails, fmt.Sprintf(`"mail-%d-%d@example.com"`, month, i))
		}
		rows = append(rows, fmt.Sprintf(`{"id":"p","emails":[%s],"visitors":["v-%d"],"seen_at":"2026-%02d-01"}`, strings.Join(emails, ","), month, month+1))
	}
	f, sum, refused := build(t, inputs{persons: strings.Join(rows, "\n")})
	require.Empty(t, refused)
	record, ok := f.Record("p")
	require.True(t, ok)
	require.Len(t, record.HEMs, 5*each, "whole rows, the newest first")
	require.EqualValues(t, 3*(months-5)*each, sum.Left)
	told := map[string]bool{}
	for _, hem := range record.HEMs {
		told[hem.SHA256] = true
	}
	for month := range months {
		_, ok := f.Person(domain.Key{Kind: domain.KeyVisitor, Value: fmt.Sprintf("v-%d", month)})
		require.True(t, ok)
		for i := range each {
			key := identity.HEMs(fmt.Sprintf("mail-%d-%d@example.com", month, i))[0].SHA256
			_, found := f.Person(domain.Key{Kind: domain.KeySHA256, Value: key})
			require.Equal(t, told[key], found)
		}
	}
}

// A record that somebody made up, checksums and all, cannot ask for more than an honest one: an empty HEM takes a byte
// in the file and eighty in memory, and a phone that is a shared word would take two for a word of any length.
func TestRecord_BoundsItsLists(t *testing.T) {
	t.Parallel()
	const phones, hems = 1 << 13, 1 << 14
	list := func(n int, entry []byte) []byte {
		return append(binary.AppendUvarint(nil, uint64(n)), bytes.Repeat(entry, n)...)
	}
	for name, row := range map[string]struct {
		mask  uint64
		lists []byte
		ok    bool
	}{
		"as many HEMs as may be":   {hems, list(graph.MaxList, []byte{0}), true},
		"one more":                 {hems, list(graph.MaxList+1, []byte{0}), false},
		"as many phones as may be": {phones, list(graph.MaxList, []byte{1 << 2, '+'}), true},
		"one phone more":           {phones, list(graph.MaxList+1, []byte{1 << 2, '+'}), false},
		"a phone that is a word":   {phones, list(1, []byte{1}), false},
	} {
		p, ok := graph.RecordOf(row.mask, row.lists, strings.Repeat("x", 1<<16))
		require.Equal(t, row.ok, ok, name)
		require.LessOrEqual(t, len(p.HEMs)+len(p.Phones), graph.MaxList, name)
		require.False(t, strings.Contains(strings.Join(p.Phones, ""), "x"), name)
	}
}
