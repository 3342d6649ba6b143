package ra

import (
	"context"
	"slices"
	"time"

	"tegata/internal/pki"
)

// checkAnnounced: what may be announced is what the register knows before its day and
// the person can act on.
func (ev RegisterEvent) checkAnnounced() error {
	bad := func(field string) error { return ErrBadRequest.With("field", field) }
	if ev.Kind != EventAnnounced {
		return bad("of")
	}
	if !slices.Contains([]EventKind{EventMoved, EventNameChanged, EventEmigrated, EventCardRevoked}, ev.Of) {
		return bad("of")
	}
	if on, err := time.ParseInLocation(time.DateOnly, ev.On, pki.JST); err != nil || on.Format(time.DateOnly) != ev.On {
		return bad("on")
	}
	if ev.Card != "" {
		return bad("card")
	}
	return nil
}

// announced tells the person what will happen, on which day, and how to go on. No
// certificate changes.
func (x *happening) announced(ctx context.Context) error {
	return x.notify(ctx, x.tx, x.at, x.person, notice{kind: NoticeAnnounced, hasPhone: x.person.Phone != "", coming: x.event})
}
