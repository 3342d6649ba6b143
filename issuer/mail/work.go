package mail

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"tegata/issuer/ra"
)

// Delivery is a notice that is still to be delivered.
type Delivery struct {
	Notice ra.Notice
	Due    time.Time
	Tries  int // begun before this one
}

// Store keeps what is still to be delivered.
type Store interface {
	// DeliveriesDue lists at most limit deliveries that are due, the longest due first.
	DeliveriesDue(ctx context.Context, at time.Time, limit int) ([]Delivery, error)
	// ClaimDelivery counts a try and moves Due on to next, durably, before the try. It
	// reports false when somebody else has moved it since it was listed.
	ClaimDelivery(ctx context.Context, d Delivery, next time.Time) (bool, error)
	// SettleDelivery records that a notice was sent, or given up, and why.
	SettleDelivery(ctx context.Context, at time.Time, notice string, sent bool, why string) error
	// Deliveries counts what waits and what was given up.
	Deliveries(ctx context.Context) (waiting, givenUp int, err error)
}

// Sender is an *SMTP, or another way.
type Sender interface {
	Send(ctx context.Context, n ra.Notice) Outcome
}

// Lasts is how long a notice is tried.
const Lasts = 5 * 24 * time.Hour

// round is how many are tried in one go.
const round = 50

// Work delivers what is due.
type Work struct {
	Store  Store
	Sender Sender
	Now    func() time.Time
	Log    *slog.Logger
}

// after is when a delivery is tried again: a minute after the first try, then twice as
// long each time, at most six hours.
func after(tries int) time.Duration {
	return min(time.Minute<<min(tries, 20), 6*time.Hour)
}

// Run delivers until ctx ends, and looks every so often in real time. It is no part of
// the clock's work: a mail server that is slow or away must not hold up a revocation.
func (w *Work) Run(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := w.RunDue(ctx, w.Now().UTC()); err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "notices could not be mailed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// RunDue tries once each delivery that is due at or before at, until the server itself
// cannot be used. Several processes may do it at the same time.
func (w *Work) RunDue(ctx context.Context, at time.Time) error {
	for {
		list, err := w.Store.DeliveriesDue(ctx, at, round)
		if err != nil {
			return fmt.Errorf("mail: what is due: %w", err)
		}
		for _, d := range list {
			away, err := w.try(ctx, d, at)
			if err != nil || away {
				return err
			}
		}
		if len(list) < round {
			return nil
		}
	}
}

// try makes one try, which was counted before.
func (w *Work) try(ctx context.Context, d Delivery, at time.Time) (away bool, err error) {
	mine, err := w.Store.ClaimDelivery(ctx, d, at.Add(after(d.Tries)))
	if err != nil || !mine {
		return false, err
	}
	out := w.Sender.Send(ctx, d.Notice)
	last := !at.Add(after(d.Tries)).Before(d.Notice.At.Add(Lasts))
	switch {
	case out.Sent:
		return false, w.Store.SettleDelivery(ctx, at, d.Notice.ID, true, "")
	case out.Final, last:
		w.Log.WarnContext(ctx, "a notice was given up: no mail server took it", "notice", d.Notice.ID, "kind", string(d.Notice.Kind), "why", out.Why)
		return out.Away, w.Store.SettleDelivery(ctx, at, d.Notice.ID, false, out.Why)
	}
	w.Log.InfoContext(ctx, "a notice could not be mailed; it is tried again", "notice", d.Notice.ID, "tries", d.Tries+1, "why", out.Why)
	return out.Away, nil
}
