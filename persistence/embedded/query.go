package embedded

import (
	"fmt"

	"zombiezen.com/go/sqlite"
)

// query runs a statement, cached by its text, and hands each row to each. Arguments are int64, string
// or []byte.
func query(c *sqlite.Conn, sql string, each func(*sqlite.Stmt), args ...any) (err error) {
	s, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	defer func() { // an open read would keep the log from being taken up again
		if resetErr := s.Reset(); err == nil {
			err = resetErr
		}
	}()
	b := bind{stmt: s}
	for _, a := range args {
		switch a := a.(type) {
		case int64:
			b.int(a)
		case string:
			b.text(a)
		case []byte:
			b.bytes(a)
		default:
			return fmt.Errorf("bind %T: not a column type", a)
		}
	}
	for {
		more, err := s.Step()
		if err != nil || !more {
			return err
		}
		if each != nil {
			each(s)
		}
	}
}
