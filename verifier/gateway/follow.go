package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/feed"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/problem"
)

// feedMark is the name under which the highest sequence of the feed is kept.
const feedMark = "feed"

// Follower keeps a feed.Index up to date from the issuer's change feed.
type Follower struct {
	ID       string // this verifier
	URL      string // the issuer's
	Audience string // what the issuer wants to be called
	Feed     string // iss of the batches
	Arc      pki.Arc
	Anchors  []Anchor
	Sign     Key
	Client   *http.Client // its time-out is longer than feed.Heartbeat
	Marks    certpath.Marks
	Now      func() time.Time
	Log      *slog.Logger

	Index *feed.Index // set by Begin
	// Changed, optional, is told of every batch that was taken in.
	Changed func(feed.Batch)
}

// Begin makes the index. It refuses a feed that ends before what was seen before
// the last restart.
func (f *Follower) Begin(ctx context.Context) error {
	floor, err := f.Marks.Mark(ctx, feedMark)
	if err != nil {
		return fmt.Errorf("gateway: feed: %w", err)
	}
	f.Index = feed.NewIndex(f.Feed, floor)
	return nil
}

// Run follows the feed until ctx ends. Failures are logged and tried again: the
// index goes stale by itself, and a stale index answers nothing.
func (f *Follower) Run(ctx context.Context) error {
	const shortest, longest = 200 * time.Millisecond, 5 * time.Second
	pause := shortest
	for ctx.Err() == nil {
		news, err := f.watched(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			f.Log.WarnContext(ctx, "feed", "error", err)
			pause = min(2*pause, longest)
		case news:
			pause = shortest
			continue
		default:
			pause = shortest // an issuer that does not wait with its answer shall not make us spin
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// watched is Step, cut short when the index goes stale meanwhile: the line is
// dead, or the clock was moved on (in a sandbox). Then the feed begins again with
// a snapshot, which comes at once, while the next batch may be 10 seconds off.
func (f *Follower) watched(ctx context.Context) (news bool, err error) {
	step, cancel := context.WithCancelCause(ctx)
	watcher := make(chan struct{})
	go func() {
		defer close(watcher)
		fresh := f.Index.Health(f.Now()).Fresh
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-step.Done():
				return
			case <-tick.C:
			}
			before := fresh
			if fresh = f.Index.Health(f.Now()).Fresh; before && !fresh {
				f.Index.Restart()
				cancel(errStale)
			}
		}
	}()
	news, err = f.Step(step)
	cancel(nil)
	<-watcher
	if err != nil && context.Cause(step) == errStale {
		f.Log.InfoContext(ctx, "feed", "again", errStale)
		return true, nil // at once: until the snapshot is here every answer is "could not check"
	}
	return news, err
}

// errStale is why a step is cut short.
var errStale = errors.New("gateway: the index went stale; it begins again with a snapshot")

// Step asks for one batch and takes it in. It tells whether there was news. After
// an error the index answers from what it had, as long as that is fresh.
func (f *Follower) Step(ctx context.Context) (news bool, err error) {
	after, prev := f.Index.Position()
	compact, err := f.get(ctx, after, prev)
	if p, ok := errors.AsType[*problem.Problem](err); ok && p.Status == http.StatusConflict {
		f.Index.Restart()
		return false, fmt.Errorf("gateway: feed: begin again: %w", err)
	}
	if err != nil {
		return false, fmt.Errorf("gateway: feed: %w", err)
	}
	at := f.Now()
	m, err := feed.Parse(compact)
	if err != nil {
		return false, fmt.Errorf("gateway: feed: %w", err)
	}
	b, err := m.Verify()
	if err != nil {
		return false, fmt.Errorf("gateway: feed: %w", err)
	}
	path, err := certpath.Validate(m.Chain()[0], m.Chain()[1:], anchors(f.Anchors, pki.Ops), certpath.ForRole(f.Arc, pki.RoleFeed), at)
	if err != nil {
		return false, fmt.Errorf("gateway: feed: signer: %w", err)
	}
	if err := f.signerIsGood(ctx, path, b, at); err != nil {
		return false, err
	}
	if err := f.Index.Apply(m, at); err != nil {
		if errors.Is(err, feed.ErrGap) || errors.Is(err, feed.ErrBack) {
			f.Index.Restart()
		}
		return false, fmt.Errorf("gateway: feed: %w", err)
	}
	if f.Changed != nil {
		f.Changed(b)
	}
	if b.To > b.From && !b.More {
		if err := f.Marks.RaiseMark(ctx, feedMark, b.To); err != nil {
			return false, fmt.Errorf("gateway: feed: %w", err)
		}
	}
	return b.To > b.From || b.More, nil
}

// signerIsGood asks the feed itself, once it is whole, whether its signer is still
// good. A new signer's certificate is not in what we have: then the batch that it
// signs must bring it.
func (f *Follower) signerIsGood(ctx context.Context, path []*x509.Certificate, b feed.Batch, at time.Time) error {
	label := Labels(f.Anchors)
	s, err := certpath.Feed{Index: f.Index, Label: label}.Status(ctx, path[0], path[1], at)
	if err != nil || s.State == certpath.Good {
		return nil // not whole yet, or stale: this batch mends that
	}
	authority, _ := label(path[1])
	brings := func(e feed.Entry) bool {
		return e.Authority == authority && e.Serial == pki.SerialOf(path[0]).String() && e.Status == feed.Good
	}
	if s.State == certpath.Unknown && slices.ContainsFunc(b.Entries, brings) {
		return nil
	}
	return fmt.Errorf("gateway: feed: the signer's certificate is %s", s.State)
}

func (f *Follower) get(ctx context.Context, after uint64, prev string) (string, error) {
	assertion, err := ceremony.SignClientAssertion(f.Sign.Signer, f.Sign.Chain, ceremony.NewClientAssertion(f.ID, f.Audience, f.Now()))
	if err != nil {
		return "", err
	}
	url := f.URL + "/v1/status/changes?after=" + strconv.FormatUint(after, 10)
	if prev != "" {
		url += "&prev=" + prev
	}
	body, header, err := httpd.Exchange(ctx, f.Client, http.MethodGet, url, nil, httpd.Bearer(assertion))
	if err != nil {
		return "", err
	}
	if got := header.Get("Content-Type"); got != feed.MediaType {
		return "", fmt.Errorf("the issuer answered with %q", got)
	}
	return string(body), nil
}
