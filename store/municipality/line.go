package municipality

import (
	"context"
	"errors"
	"time"

	"tegata/services/municipality"
	"tegata/store"
)

const cardColumns = "resident, id, state, signature, lost, request, papers, not_after_ms, ordered_at_ms, done_at_ms, trouble, onto, sign_ended, waits"

func cardValues(c municipality.Card) []any {
	return []any{
		c.Resident, c.ID, c.State, c.Signature, c.Lost, c.Request, c.Papers, ms(c.NotAfter), c.OrderedAt.UnixMilli(), ms(c.DoneAt), c.Trouble,
		c.Onto, c.SignEnded, c.Waits,
	}
}

func scanCard(row store.Row) (c municipality.Card, err error) {
	var notAfter, ordered, done *int64
	err = row.Scan(&c.Resident, &c.ID, &c.State, &c.Signature, &c.Lost, &c.Request, &c.Papers, &notAfter, &ordered, &done, &c.Trouble,
		&c.Onto, &c.SignEnded, &c.Waits)
	c.NotAfter, c.OrderedAt, c.DoneAt = moment(notAfter), moment(ordered), moment(done)
	return c, notFound(err)
}

func (t tx) Card(ctx context.Context, resident, id string) (municipality.Card, error) {
	return scanCard(t.QueryRow(ctx, "SELECT "+cardColumns+" FROM card WHERE resident = $1 AND id = $2", resident, id))
}

func (t tx) AddCard(ctx context.Context, c municipality.Card) error {
	const insert = "INSERT INTO card_owner (card, resident) VALUES ($1, $2) ON CONFLICT (card) DO NOTHING"
	if err := t.take(ctx, insert, c.ID, c.Resident); err != nil {
		return err
	}
	_, err := t.Exec(ctx, "INSERT INTO card ("+cardColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)", cardValues(c)...)
	return err
}

func (t tx) UpdateCard(ctx context.Context, c municipality.Card, from municipality.CardState) error {
	rows, err := t.Exec(ctx, `UPDATE card SET state = $3, signature = $4, lost = $5, request = $6, papers = $7, not_after_ms = $8,
		ordered_at_ms = $9, done_at_ms = $10, trouble = $11, onto = $12, sign_ended = $13, waits = $14
		WHERE resident = $1 AND id = $2 AND state = $15`, append(cardValues(c), from)...)
	return one(rows, err, municipality.ErrMoved)
}

func (t tx) CardsOf(ctx context.Context, resident string) ([]municipality.Card, error) {
	rows, err := t.Query(ctx, "SELECT "+cardColumns+" FROM card WHERE resident = $1 ORDER BY ordered_at_ms, id", resident)
	if err != nil {
		return nil, err
	}
	return list(rows, scanCard)
}

const eventColumns = "resident, id, seq, kind, state, message, request_hash, at_ms, done_at_ms, trouble, on_ms, changed"

func scanEvent(row store.Row) (e municipality.Event, err error) {
	var at, done, on *int64
	var hash []byte
	err = row.Scan(&e.Resident, &e.ID, &e.Seq, &e.Kind, &e.State, &e.Message, &hash, &at, &done, &e.Trouble, &on, &e.Changed)
	e.At, e.DoneAt, e.On = moment(at), moment(done), moment(on)
	copy(e.RequestHash[:], hash)
	return e, notFound(err)
}

func (t tx) Event(ctx context.Context, resident, id string) (municipality.Event, error) {
	return scanEvent(t.QueryRow(ctx, "SELECT "+eventColumns+" FROM event WHERE resident = $1 AND id = $2", resident, id))
}

func (t tx) AddEvent(ctx context.Context, e municipality.Event) error {
	const insert = "INSERT INTO event_owner (event, resident) VALUES ($1, $2) ON CONFLICT (event) DO NOTHING"
	if err := t.take(ctx, insert, e.ID, e.Resident); err != nil {
		return err
	}
	// Counted within one resident: no sequence over all, which would not shard.
	seq, err := t.nextSeq(ctx, e.Resident)
	if err != nil {
		return err
	}
	_, err = t.Exec(ctx, "INSERT INTO event ("+eventColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		e.Resident, e.ID, seq, e.Kind, e.State, e.Message, e.RequestHash, e.At.UnixMilli(), ms(e.DoneAt), e.Trouble, ms(e.On), e.Changed)
	return err
}

func (t tx) nextSeq(ctx context.Context, resident string) (seq int64, err error) {
	err = t.QueryRow(ctx, "SELECT COALESCE(MAX(seq), 0) + 1 FROM event WHERE resident = $1", resident).Scan(&seq)
	return seq, err
}

func (t tx) UpdateEvent(ctx context.Context, e municipality.Event, from municipality.EventState) error {
	if from == municipality.EventPlanned {
		var err error
		if e.Seq, err = t.nextSeq(ctx, e.Resident); err != nil {
			return err
		}
	}
	rows, err := t.Exec(ctx, `UPDATE event SET state = $3, done_at_ms = $4, trouble = $5, message = $6, changed = $7, seq = $8
		WHERE resident = $1 AND id = $2 AND state = $9`, e.Resident, e.ID, e.State, ms(e.DoneAt), e.Trouble, e.Message, e.Changed, e.Seq, from)
	return one(rows, err, municipality.ErrMoved)
}

func (t tx) EventsOf(ctx context.Context, resident string) ([]municipality.Event, error) {
	rows, err := t.Query(ctx, "SELECT "+eventColumns+" FROM event WHERE resident = $1 ORDER BY seq", resident)
	if err != nil {
		return nil, err
	}
	return list(rows, scanEvent)
}

func (t tx) SetWork(ctx context.Context, w municipality.Work) error {
	_, err := t.Exec(ctx, `INSERT INTO work (resident, due_ms, attempts, trouble) VALUES ($1, $2, $3, $4)
		ON CONFLICT (resident) DO UPDATE SET due_ms = $2, attempts = $3, trouble = $4`, w.Resident, w.Due.UnixMilli(), w.Attempts, w.Trouble)
	return err
}

func (t tx) ClearWork(ctx context.Context, resident string) error {
	_, err := t.Exec(ctx, "DELETE FROM work WHERE resident = $1", resident)
	return err
}

func (t tx) WorkOf(ctx context.Context, resident string) (municipality.Work, error) {
	w := municipality.Work{Resident: resident}
	var due int64
	err := t.QueryRow(ctx, "SELECT due_ms, attempts, trouble FROM work WHERE resident = $1", resident).Scan(&due, &w.Attempts, &w.Trouble)
	w.Due = moment(&due)
	return w, notFound(err)
}

func (t tx) DueWork(ctx context.Context, at time.Time, limit int) ([]string, error) {
	rows, err := t.Query(ctx, "SELECT resident FROM work WHERE due_ms <= $1 ORDER BY due_ms, resident LIMIT $2", at.UnixMilli(), limit)
	if err != nil {
		return nil, err
	}
	return list(rows, func(row store.Row) (resident string, err error) {
		err = row.Scan(&resident)
		return resident, err
	})
}

func (t tx) NextWork(ctx context.Context) (time.Time, bool, error) {
	var due int64
	err := t.QueryRow(ctx, "SELECT due_ms FROM work ORDER BY due_ms LIMIT 1").Scan(&due)
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, false, nil
	}
	return moment(&due), err == nil, err
}
