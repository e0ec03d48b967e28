package embedded

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
	"github.com/leadwire/leadwire/persistence/groupcommit"
)

// attempt is a settled attempt on its way through the writer.
type attempt struct {
	domain.Attempted
	receipt []byte // JSON of Receipt without its body
}

// RecordAttempt keeps a receipt and moves its delivery on; see domain.DeliveryStore.
func (s *Store) RecordAttempt(ctx context.Context, in domain.Attempted) (domain.AttemptRecorded, error) {
	a := &attempt{Attempted: in}
	if err := a.prepare("record attempt"); err != nil {
		return domain.AttemptRecorded{}, err
	}
	got, err := s.writer.Do(ctx, op{attempt: a})
	if err != nil {
		return domain.AttemptRecorded{}, err
	}
	return *got.attempted, nil
}

// maxAttempts is how many receipts a delivery's number leaves room for: see the migration.
const maxAttempts = 1 << receiptBits

func (a *attempt) prepare(op string) (err error) {
	if err := check.Texts(op,
		check.Given("account", string(a.Key.Account)), check.Given("endpoint", string(a.Key.Endpoint)), check.Given("lead", string(a.Lead)),
	); err != nil {
		return err
	}
	pending := a.State == domain.DeliveryPending
	switch {
	case stateNumber(a.State) < 0:
		return domain.FailField(op, "state", "is unknown")
	case pending && a.NextAt.IsZero():
		return domain.FailField(op, "next_at", "a delivery that stays pending has a next attempt")
	case pending && a.Receipt.Number == 0:
		return domain.FailField(op, "receipt.number", "a delivery stays pending because of an attempt")
	case a.Class >= domain.Classes:
		return domain.FailField(op, "class", "is unknown")
	case a.Receipt.Number < 0 || a.Receipt.Number >= maxAttempts:
		return domain.FailField(op, "receipt.number", "is out of range")
	case len(a.Receipt.Body) > domain.MaxExcerpt:
		return domain.FailField(op, "receipt.body", "is too long")
	case a.Receipt.At.IsZero():
		return domain.FailField(op, "receipt.at", "must be given")
	}
	if err := checkAnnouncements(op, a.Announce); err != nil {
		return err
	}
	// They tell what a foreign server said. Whatever that was, the attempt has to be recorded.
	a.Receipt.Reason, a.Disable = check.Legible(a.Receipt.Reason), check.Legible(a.Disable)
	bare := a.Receipt
	bare.Delivery, bare.Number, bare.Body = 0, 0, nil // columns
	if a.receipt, err = json.Marshal(bare); err != nil {
		return domain.Fail(op, domain.Invalid, err)
	}
	return nil
}

// attempt checks in the contract's order, and writes only once nothing can refuse any more.
func (t *tx) attempt(a *attempt) (res groupcommit.Result[answer], err error) {
	if t.fenced(a.Fence) {
		res.Err = domain.ErrFenced
		return res, nil
	}
	if err := t.step(stepRead); err != nil {
		return res, err
	}
	row, err := t.delivery(a.Delivery)
	if err != nil {
		return res, err
	}
	endpoint, err := t.endpointNumber(a.Key)
	if err != nil {
		return res, err
	}
	got := &domain.AttemptRecorded{Outcome: domain.Done}
	if got.Told, err = t.told(endpoint); err != nil {
		return res, err
	}
	switch {
	case row.n == 0 || row.endpoint != endpoint || row.lead != string(a.Lead) || row.state != statePending:
		got.Outcome = domain.AlreadyDecided
	case row.revision != a.Expect:
		got.Outcome = domain.Stale
	case a.tells() && got.Told != a.Told.From:
		got.Outcome = domain.Outdated
	default:
		err = t.keepAttempt(a, row, got)
	}
	res.Value.attempted, res.Outcome = got, string(got.Outcome)
	return res, err
}

// tells says whether it moves what was told of its endpoint.
func (a *attempt) tells() bool { return a.Told.From != a.Told.To }

// told is what was told of an endpoint last; n is 0 for one that was never owed anything.
func (t *tx) told(n int64) (domain.Told, error) {
	if n == 0 {
		return domain.ToldWell, nil
	}
	state, err := t.endpointState(n)
	if err != nil {
		return 0, err
	}
	return state.told, nil
}

// keepAttempt moves the delivery on, and says who is due now and what leaves.
func (t *tx) keepAttempt(a *attempt, row deliveryRow, got *domain.AttemptRecorded) (err error) {
	if err := t.tried(a, &row); err != nil {
		return err
	}
	if a.State == domain.DeliveryPending {
		err = t.retryLater(a, row)
	} else {
		got.Next, err = t.end(row, a.State, nanos(a.Receipt.EndedAt()))
	}
	if err == nil {
		err = t.followEndpoint(a, row.endpoint)
	}
	if err != nil {
		return err
	}
	if a.tells() {
		got.Told = a.Told.To
	}
	got.Announced, err = t.keepAnnouncements(a.Announce)
	return err
}

// tried keeps the receipt, and puts into row what the delivery remembers of it.
func (t *tx) tried(a *attempt, row *deliveryRow) error {
	r := &a.Receipt
	if r.Number > 0 {
		if err := t.keepReceipt(a); err != nil {
			return err
		}
		row.attempts++
		row.firstAt = cmp.Or(row.firstAt, nanos(r.At))
	}
	row.revision++
	row.reason = r.Reason
	if r.Error != "" && (a.State == domain.DeliveryPending || a.State == domain.DeliveryExhausted) {
		row.failedAt = cmp.Or(row.failedAt, nanos(r.EndedAt()))
	}
	return nil
}

func (t *tx) keepReceipt(a *attempt) error {
	if err := t.step(stepReceipt); err != nil {
		return err
	}
	r := &a.Receipt
	b := bind{stmt: t.insertReceipt}
	b.int(receiptPlace(a.Delivery, r.Number)).time(r.At).int(int64(r.Status)).text(string(r.Error)).bytes(a.receipt).bytes(r.Body)
	if err := b.run(); err != nil {
		return fmt.Errorf("insert receipt: %w", err)
	}
	return nil
}

// retryLater keeps the delivery waiting. With its first failure those behind it get a time to go without it.
func (t *tx) retryLater(a *attempt, row deliveryRow) error {
	if err := t.step(stepSettleDelivery); err != nil {
		return err
	}
	if !a.ReleaseAt.IsZero() {
		row.releaseAt = nanos(a.ReleaseAt)
	}
	b := bind{stmt: t.retryDelivery}
	b.int(int64(a.Class)).int(row.revision).int(row.attempts).time(a.NextAt).int(row.firstAt).int(row.failedAt).int(row.releaseAt).
		text(row.reason).int(row.n)
	if err := b.run(); err != nil {
		return fmt.Errorf("retry delivery: %w", err)
	}
	if a.ReleaseAt.IsZero() {
		return nil
	}
	b = bind{stmt: t.releaseBehind}
	if err := b.time(a.ReleaseAt).int(row.endpoint).text(row.lead).int(row.n).run(); err != nil {
		return fmt.Errorf("release those behind: %w", err)
	}
	return nil
}

// end ends a delivery as row has it, and lets the next one of its line go if it was the head.
func (t *tx) end(row deliveryRow, state domain.DeliveryState, at int64) (next int64, err error) {
	if err := t.step(stepSettleDelivery); err != nil {
		return 0, err
	}
	b := bind{stmt: t.endDelivery}
	b.int(stateNumber(state)).int(row.revision).int(row.attempts).int(row.firstAt).int(row.failedAt).int(at).text(row.reason).int(row.n)
	if err := b.run(); err != nil {
		return 0, fmt.Errorf("end delivery: %w", err)
	}
	head, err := t.head(row.endpoint, row.lead)
	if err != nil || head.n == 0 || !head.behind {
		return 0, err
	}
	b = bind{stmt: t.promoteDelivery}
	if err := b.int(min(head.dueAt, at)).int(head.n).run(); err != nil {
		return 0, fmt.Errorf("promote delivery: %w", err)
	}
	return head.n, nil
}

// followEndpoint takes in what the attempt says of the endpoint as a whole.
func (t *tx) followEndpoint(a *attempt, n int64) error {
	state, err := t.endpointState(n)
	if err != nil {
		return err
	}
	is, at := *state, nanos(a.Receipt.EndedAt())
	switch {
	case a.Receipt.Number == 0 || !a.Receipt.Error.OfEndpoint(): // it says nothing
	case a.Receipt.Error == "":
		is.succeededAt, is.failingSince = at, 0
	default:
		is.failingSince = cmp.Or(is.failingSince, at)
	}
	if a.Disable != "" && is.disabledAt == 0 {
		is.disabledAt, is.reason = at, a.Disable
	}
	if a.tells() {
		is.told = a.Told.To
	}
	if is != *state {
		state.become(is)
	}
	return nil
}

// receiptBits is how many bits of a receipt's place are its number: see the migration.
const receiptBits = 20

func receiptPlace(delivery int64, number int) int64 { return delivery<<receiptBits | int64(number) }
