package status

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tegata/internal/feed"
	"tegata/internal/httpd"
	"tegata/internal/problem"
)

// Admit authenticates a follower by its Authorization header (a client assertion);
// what it returns is answered.
type Admit func(ctx context.Context, authorization string, at time.Time) error

var (
	errNotFollower = problem.New(problem.Refused, http.StatusUnauthorized, "follower-unknown",
		problem.Text{Title: "登録された署名検証者だけが利用できます。", Detail: "運用認証局の証明書で認証してください。"},
		problem.Text{Title: "Only registered verifiers may follow the changes.", Detail: "Authenticate with a certificate of the operations authority."})
	errNoPosition = problem.New(problem.YourTurn, http.StatusConflict, "no-such-position",
		problem.Text{Title: "この位置からは続けられません。", Detail: "after=0 で最初から取り直してください。"},
		problem.Text{Title: "The feed cannot go on from there.", Detail: "Begin again with after=0."})
	errQuery = problem.New(problem.YourTurn, http.StatusBadRequest, "malformed",
		problem.Text{Title: "送られたデータを読み取れません。", Detail: "after と prev を確かめてください。"},
		problem.Text{Title: "What was sent cannot be read.", Detail: "Check after and prev."})
)

const (
	// longExpired is how long after its end a certificate stays in a snapshot.
	longExpired  = 90 * 24 * time.Hour
	maxPositions = 1000 // unfinished snapshots remembered
	pollEvery    = time.Second
)

// Feed is the signed change feed (package feed has its shape). Each follower gets
// batches that continue its own position, so that no chain is kept here; only who
// is in the middle of a snapshot is remembered.
type Feed struct {
	ledger      *Ledger
	store       Store
	authorities Authorities
	admit       Admit

	mu       sync.Mutex // guards snapshot
	snapshot map[string]int64
}

// NewFeed makes the feed of a ledger's store.
func NewFeed(ledger *Ledger, store Store, authorities Authorities, admit Admit) *Feed {
	return &Feed{ledger: ledger, store: store, authorities: authorities, admit: admit, snapshot: map[string]int64{}}
}

// changes is GET /v1/status/changes?after=SEQ&prev=HASH.
func (f *Feed) changes(w http.ResponseWriter, r *http.Request) {
	if f.admit == nil {
		httpd.WriteProblem(w, r, errNotFollower)
		return
	}
	if err := f.admit(r.Context(), r.Header.Get("Authorization"), f.ledger.now()); err != nil {
		if _, told := errors.AsType[*problem.Problem](err); !told {
			err = errNotFollower.Because(err)
		}
		httpd.WriteProblem(w, r, err)
		return
	}
	after, err := strconv.ParseInt(r.FormValue("after"), 10, 64)
	if err != nil || after < 0 || (after == 0) != (r.FormValue("prev") == "") {
		httpd.WriteProblem(w, r, errQuery)
		return
	}
	compact, err := f.Next(r.Context(), after, r.FormValue("prev"))
	if err != nil {
		if _, told := errors.AsType[*problem.Problem](err); !told {
			err = errCannotTell.Because(err)
		}
		httpd.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", feed.MediaType)
	w.Header().Set("Cache-Control", "no-store")
	w.Write([]byte(compact))
}

// Next is the signed batch that continues a follower's position: at once when
// there is something, otherwise an empty one after nearly feed.Heartbeat, or when the
// server that ctx is of stops.
func (f *Feed) Next(ctx context.Context, after int64, prev string) (string, error) {
	// A signer's certificate is an entry of the feed itself: it is there before the
	// first batch that it signs is read from the ledger.
	if _, _, err := f.authorities.FeedSigner(ctx); err != nil {
		return "", fmt.Errorf("status: feed: %w", err)
	}
	if after == 0 || f.unfinished(after, prev) {
		return f.page(ctx, after, prev)
	}
	deadline := time.NewTimer(feed.Heartbeat - 2*time.Second) // the line and the follower need some of it
	defer deadline.Stop()
	poll := time.NewTicker(pollEvery) // other processes' changes are not announced here
	defer poll.Stop()
	closing := httpd.Closing(ctx)
	for last := false; ; {
		head, moved := f.ledger.Changed()
		if after > head { // a batch was read from the store before it was known here, in this process or in another
			if err := f.ledger.sync(ctx); err != nil {
				return "", err
			}
			if head, moved = f.ledger.Changed(); after > head {
				return "", errNoPosition
			}
		}
		moment, _, err := f.ledger.asOf(ctx) // before reading: the batch is complete as of it
		if err != nil {
			return "", err
		}
		changes, err := f.store.StatusChanges(ctx, after, feed.MaxEntries)
		if err != nil {
			return "", fmt.Errorf("status: feed: %w", err)
		}
		if len(changes) > 0 || last {
			b := feed.Batch{From: uint64(after), To: uint64(after) + uint64(len(changes)), Prev: prev, Entries: entries(changes)}
			return f.sign(ctx, b, moment)
		}
		select {
		case <-moved:
		case <-poll.C:
		case <-deadline.C:
			last = true
		case <-closing: // an end in order does not wait for followers
			last = true
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// page is the next batch of a snapshot.
func (f *Feed) page(ctx context.Context, after int64, prev string) (string, error) {
	moment, now, err := f.ledger.asOf(ctx)
	if err != nil {
		return "", err
	}
	head, list, err := f.store.StatusSnapshot(ctx, after, now.Add(-longExpired), feed.MaxEntries)
	if err != nil {
		return "", fmt.Errorf("status: feed: %w", err)
	}
	b := feed.Batch{From: uint64(after), To: uint64(head), Prev: prev, Snapshot: true, Entries: entries(list)}
	if len(list) == feed.MaxEntries {
		b.More, b.To = true, uint64(list[len(list)-1].Seq)
	}
	compact, err := f.sign(ctx, b, moment)
	if err == nil && b.More {
		f.remember(feed.Hash(compact), int64(b.To))
	}
	return compact, err
}

func (f *Feed) sign(ctx context.Context, b feed.Batch, moment time.Time) (string, error) {
	chain, signer, err := f.authorities.FeedSigner(ctx)
	if err != nil {
		return "", fmt.Errorf("status: feed: %w", err)
	}
	b.Issuer, b.AtMS = f.authorities.Operator().IssuerURL(), moment.UnixMilli()
	compact, err := feed.Sign(signer, chain, b)
	if err != nil {
		return "", fmt.Errorf("status: feed: %w", err)
	}
	return compact, nil
}

// entries are the ledger's changes in the shape of the feed.
func entries(list []Recorded) []feed.Entry {
	out := make([]feed.Entry, len(list))
	for n, r := range list {
		e := feed.Entry{Seq: uint64(r.Seq), Authority: r.Label(), Serial: r.Serial.String(), Reason: r.Reason, AtMS: r.Since.UnixMilli()}
		if !r.GoodSince.IsZero() {
			e.GoodMS = r.GoodSince.UnixMilli()
		}
		switch r.Status {
		case Good:
			e.Status, e.AtMS = feed.Good, e.GoodMS
		case Held:
			e.Status = feed.Held
		case Revoked:
			e.Status = feed.Revoked
		}
		out[n] = e
	}
	return out
}

func (f *Feed) unfinished(after int64, prev string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	seq, ok := f.snapshot[prev]
	return ok && seq == after
}

func (f *Feed) remember(hash string, seq int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.snapshot) >= maxPositions {
		clear(f.snapshot) // whoever is lost begins again
	}
	f.snapshot[hash] = seq
}
