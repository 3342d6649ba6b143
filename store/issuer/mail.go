package issuer

import (
	"context"
	"time"

	"tegata/internal/audit"
	"tegata/issuer/mail"
	"tegata/issuer/ra"
	"tegata/store"
)

var _ mail.Store = (*Store)(nil)

// noticeColumns are those of a notice, in the order in which scanNotice reads them.
const noticeColumns = "n.id, n.at_ms, n.channel, n.contact, n.kind, n.title_ja, n.body_ja, n.title_en, n.body_en"

// DeliveriesDue implements mail.Store.
func (s *Store) DeliveriesDue(ctx context.Context, at time.Time, limit int) (out []mail.Delivery, err error) {
	err = s.db.Read(ctx, func(t store.Tx) error {
		out, err = list(ctx, raTx{&ledgerTx{Tx: t}}, func(row scanner) (mail.Delivery, error) {
			var d mail.Delivery
			var noticeAt, due int64
			n := &d.Notice
			err := row.Scan(&n.ID, &noticeAt, &n.To.Channel, &n.To.Address, &n.Kind, &n.JA.Title, &n.JA.Body, &n.EN.Title, &n.EN.Body, &due, &d.Tries)
			n.At, d.Due = store.Moment(noticeAt), store.Moment(due)
			return d, err
		}, "SELECT "+noticeColumns+`, d.due_ms, d.tries FROM delivery d JOIN notice n ON n.id = d.notice
			WHERE d.state = 'waiting' AND d.due_ms <= $1 ORDER BY d.due_ms, d.notice LIMIT $2`, store.Millis(at), limit)
		return err
	})
	return out, err
}

// ClaimDelivery implements mail.Store.
func (s *Store) ClaimDelivery(ctx context.Context, d mail.Delivery, next time.Time) (mine bool, err error) {
	err = s.db.Write(ctx, func(t store.Tx) error {
		n, err := t.Exec(ctx, "UPDATE delivery SET due_ms = $1, tries = tries + 1 WHERE notice = $2 AND state = 'waiting' AND due_ms = $3 AND tries = $4",
			store.Millis(next), d.Notice.ID, store.Millis(d.Due), d.Tries)
		mine = n == 1
		return err
	})
	return mine, err
}

// SettleDelivery implements mail.Store.
func (s *Store) SettleDelivery(ctx context.Context, at time.Time, notice string, sent bool, why string) error {
	state := "undeliverable"
	if sent {
		state = "sent"
	}
	return s.db.Write(ctx, func(t store.Tx) error {
		n, err := t.Exec(ctx, "UPDATE delivery SET state = $1, why = $2 WHERE notice = $3 AND state = 'waiting'", state, why, notice)
		if err != nil || n == 0 {
			return err
		}
		return raTx{&ledgerTx{Tx: t}}.Audit(ctx, at, audit.System("issuer"), "notice "+state, notice, map[string]string{"why": why})
	})
}

// Deliveries implements mail.Store.
func (s *Store) Deliveries(ctx context.Context) (waiting, givenUp int, err error) {
	err = s.db.Read(ctx, func(t store.Tx) error {
		var w, g int64
		err := t.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END), 0) AS BIGINT),
			CAST(COALESCE(SUM(CASE WHEN state = 'undeliverable' THEN 1 ELSE 0 END), 0) AS BIGINT) FROM delivery WHERE state <> 'sent'`).Scan(&w, &g)
		waiting, givenUp = int(w), int(g)
		return err
	})
	return waiting, givenUp, err
}

// enqueue makes a notice a mail's when its address is one.
func (x raTx) enqueue(ctx context.Context, n ra.Notice) error {
	if n.To.Channel != ra.ChannelMail {
		return nil
	}
	return x.put(ctx, "delivery", "notice state due_ms tries why", 1, n.ID, "waiting", store.Millis(n.At), 0, "")
}
