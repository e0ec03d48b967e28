package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// stamp is a time as the API writes it: RFC 3339, UTC, milliseconds.
type stamp time.Time

func (t stamp) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return time.Time(t).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z07:00"`), nil
}

// decode reads a body of one JSON value. A member that is not known is refused: it would be a typing mistake
// that does nothing.
func decode(body []byte, into any) error {
	const op = "read body"
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return domain.Fail(op, domain.Invalid, fmt.Errorf("not the JSON that is expected here: %w", err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return domain.Fail(op, domain.Invalid, errors.New("there is something behind the JSON value"))
	}
	return nil
}
