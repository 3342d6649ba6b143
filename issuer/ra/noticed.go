package ra

import (
	"context"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
)

// NoticeWatch is the body of POST /v1/notice-watches, and its answer: a party, with a
// client assertion and a grant (scope "notices") of the holder, wants to know when
// there is a notice for that person. It never learns what the notice says.
type NoticeWatch struct {
	Holder string `json:"holder"` // pairwise to the verifier of the grant
	On     bool   `json:"on"`
}

// Noticed answers GET /v1/noticed?since=MS: for whom of those whom the party watches
// there were notices since then.
type Noticed struct {
	Notices []Noted `json:"notices"` // oldest first
}

// Noted is that there is a notice.
type Noted struct {
	ID     string    `json:"id"`
	Holder string    `json:"holder"`
	At     time.Time `json:"at"`
}

// maxNoted is how many one answer lists, and notedBack how far it looks back.
const (
	maxNoted  = 1000
	notedBack = time.Hour
)

// WatchNotices begins or ends a watch. g's signature, path and role were checked; it
// may serve again while it lasts.
func (r *RA) WatchNotices(ctx context.Context, party string, in NoticeWatch, g ceremony.Grant) (NoticeWatch, error) {
	at := r.at()
	err := r.store.Write(ctx, func(tx Tx) error {
		person, err := r.granted(ctx, tx, ceremony.ScopeNotices, party, in.Holder, g, at)
		if err != nil {
			return err
		}
		since, action := at, "notices watched"
		if !in.On {
			since, action = time.Time{}, "notices no longer watched"
		}
		if err := tx.PutNoticeWatch(ctx, party, in.Holder, person, since); err != nil {
			return err
		}
		return tx.Audit(ctx, at, audit.Actor{Party: party, Kind: "person", ID: person}, action, in.Holder, nil)
	})
	return in, err
}

// Noticed lists for whom a party has been told of notices, at most an hour back.
func (r *RA) Noticed(ctx context.Context, party string, since time.Time) (Noticed, error) {
	if first := r.at().Add(-notedBack); since.Before(first) {
		since = first
	}
	out := Noticed{Notices: []Noted{}}
	err := r.store.Read(ctx, func(tx Tx) error {
		list, err := tx.Noticed(ctx, party, since, maxNoted)
		if len(list) > 0 {
			out.Notices = list
		}
		return err
	})
	return out, err
}
