package main

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tegata/internal/durable"
)

// median of what was measured; 0 of nothing.
func median[T time.Duration | float64](v []T) T {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// pace is how fast work went.
type pace struct {
	perSecond float64
	processor float64 // seconds of this process a piece, with whoever asks for it; 0: not known
	allocated float64 // KiB a piece, likewise
}

// run has each of so many workers do work again and again for d. work is told its
// worker.
func (p *pace) run(ctx context.Context, workers int, d time.Duration, work func(worker int) error) error {
	var pieces atomic.Int64
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, spent := time.Now(), processorTime()
	group, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		group.Go(func() error {
			for first := true; first || time.Since(began) < d; first = false {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err := work(w); err != nil {
					return err
				}
				pieces.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	took, used := time.Since(began), processorTime()-spent
	runtime.ReadMemStats(&after)
	n := float64(max(1, pieces.Load()))
	*p = pace{n / took.Seconds(), used.Seconds() / n, float64(after.TotalAlloc-before.TotalAlloc) / 1024 / n}
	return err
}

// versus measures ours and its limit in turn, so that a machine that gets slower
// or faster meanwhile does it to both, and returns the figure of the medians. The
// ratios are the medians of the rounds' own.
func (e effort) versus(ctx context.Context, workers int, ours, limit func(worker int) error) (figure, error) {
	if e.rounds > 1 { // what is slow the first time only is no round
		for _, work := range []func(int) error{ours, limit} {
			if err := new(pace).run(ctx, workers, e.round/4, work); err != nil {
				return figure{}, err
			}
		}
	}
	var fast, bound, ratio, processor, size []float64
	for range e.rounds {
		var a, b pace
		if err := a.run(ctx, workers, e.round, ours); err != nil {
			return figure{}, err
		}
		if err := b.run(ctx, workers, e.round, limit); err != nil {
			return figure{}, err
		}
		fast, bound, ratio = append(fast, a.perSecond), append(bound, b.perSecond), append(ratio, a.perSecond/b.perSecond)
		if a.processor > 0 {
			processor = append(processor, b.processor/a.processor)
		}
		size = append(size, a.allocated)
	}
	return figure{Unit: "/s", Ours: median(fast), Limit: median(bound), Ratio: median(ratio), Processor: median(processor), KiB: median(size)}, nil
}

// operation is one public-key operation of the standard library.
type operation string

const (
	rsaSign     operation = "RSA-2048 signature"
	rsaVerify   operation = "RSA-2048 verification"
	ecSign      operation = "P-256 signature"
	ecVerify    operation = "P-256 verification"
	p384Verify  operation = "P-384 verification"
	ecAgreement operation = "P-256 key agreement"
)

func operations() []operation {
	return []operation{rsaSign, rsaVerify, ecSign, ecVerify, p384Verify, ecAgreement}
}

// costs is what one of each operation takes on this machine now.
type costs map[operation]cost

type cost struct {
	took      time.Duration
	processor time.Duration // 0: not known
}

// bareOperations are the operations themselves, each with keys of its own.
func bareOperations() (map[operation]func(int) error, error) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	p384Key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	agreement, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte("tegata bench"))
	rsaSignature, err := rsaKey.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	ecSignature, err := ecKey.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	wide := sha512.Sum384([]byte("tegata bench"))
	p384Signature, err := p384Key.Sign(rand.Reader, wide[:], crypto.SHA384)
	if err != nil {
		return nil, err
	}
	check := func(key *ecdsa.PublicKey, digest, signature []byte) error {
		if !ecdsa.VerifyASN1(key, digest, signature) {
			return errors.New("bench: a good signature failed")
		}
		return nil
	}
	return map[operation]func(int) error{
		rsaSign:     func(int) error { _, err := rsaKey.Sign(rand.Reader, digest[:], crypto.SHA256); return err },
		rsaVerify:   func(int) error { return rsa.VerifyPKCS1v15(&rsaKey.PublicKey, crypto.SHA256, digest[:], rsaSignature) },
		ecSign:      func(int) error { _, err := ecKey.Sign(rand.Reader, digest[:], crypto.SHA256); return err },
		ecVerify:    func(int) error { return check(&ecKey.PublicKey, digest[:], ecSignature) },
		p384Verify:  func(int) error { return check(&p384Key.PublicKey, wide[:], p384Signature) },
		ecAgreement: func(int) error { _, err := agreement.ECDH(agreement.PublicKey()); return err },
	}, nil
}

// measureCosts measures each operation for d, one after the other.
func measureCosts(ctx context.Context, d time.Duration) (costs, error) {
	do, err := bareOperations()
	if err != nil {
		return nil, err
	}
	c := costs{}
	for _, o := range operations() {
		var p pace
		if err := p.run(ctx, 1, d, do[o]); err != nil {
			return nil, err
		}
		c[o] = cost{time.Duration(float64(time.Second) / p.perSecond), time.Duration(p.processor * float64(time.Second))}
	}
	return c, nil
}

// tally counts operations of one piece of work.
type tally map[operation]int

// takes is what they take one after the other.
func (t tally) takes(c costs) (sum cost) {
	for o, n := range t {
		sum.took += time.Duration(n) * c[o].took
		sum.processor += time.Duration(n) * c[o].processor
	}
	return sum
}

// String lists them, for the legend.
func (t tally) String() string {
	var parts []string
	for _, o := range operations() {
		switch n := t[o]; {
		case n == 1:
			parts = append(parts, "1 "+string(o))
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, o))
		}
	}
	return strings.Join(parts, ", ")
}

// journeys is what repeated work took.
type journeys struct {
	laps  []lap         // each, by its own account
	costs costs         // of operations, measured before and after
	fsync time.Duration // likewise
}

// repeat does work a number of times. Of several the first is not counted: it opens
// connections and prepares statements.
func (b *bench) repeat(ctx context.Context, work func() (lap, error)) (j journeys, err error) {
	e := b.effort()
	before, err := measureCosts(ctx, e.round/4)
	if err != nil {
		return j, err
	}
	syncBefore := fsyncTime(b.dir)
	for began := time.Now(); len(j.laps) < e.journeys && time.Since(began) < journeyTime; {
		if ctx.Err() != nil {
			return j, ctx.Err()
		}
		l, err := work()
		if err != nil {
			return j, err
		}
		j.laps = append(j.laps, l)
	}
	after, err := measureCosts(ctx, e.round/4)
	if err != nil {
		return j, err
	}
	for o := range before {
		before[o] = cost{(before[o].took + after[o].took) / 2, (before[o].processor + after[o].processor) / 2}
	}
	j.costs, j.fsync = before, (syncBefore+fsyncTime(b.dir))/2
	j.laps = j.laps[min(1, len(j.laps)-1):]
	return j, nil
}

// figure compares the journeys with the operations that one needs.
func (j journeys) figure(work string, needs tally, target float64) figure {
	var took []time.Duration
	var sum lap
	for _, l := range j.laps {
		took, sum = append(took, l.took), sum.plus(l)
	}
	n := len(j.laps)
	ours, limit, commits := median(took), needs.takes(j.costs), j.laps[n-1].commits
	f := figure{Work: work, Unit: "ms", Ours: milliseconds(ours), Limit: milliseconds(limit.took), Ratio: float64(limit.took) / float64(ours), Target: target,
		KiB: sum.allocated / float64(n), LimitIs: fmt.Sprintf("%s, one after the other", needs)}
	if sum.processor > 0 {
		f.Processor = float64(limit.processor) / (float64(sum.processor) / float64(n))
	}
	durable := limit.took + time.Duration(commits)*j.fsync
	f.Notes = []string{fmt.Sprintf("Median of %d; processor and allocated are the process's in that time, in the mean. With an fsync of %.2f ms for each of its %d commits the limit would be %.2f ms and the ratio %.2f",
		n, milliseconds(j.fsync), commits, milliseconds(durable), float64(durable)/float64(ours))}
	return f
}

// commitCount counts the commits of each database.
type commitCount struct {
	mu sync.Mutex // guards n
	n  map[string]int
}

// note is told of the moments around each commit (store.WithHook).
func (c *commitCount) note(m durable.Moment) {
	name, ok := strings.CutPrefix(string(m), "after commit ")
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[name]++
}

func (c *commitCount) of(database string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[database]
}
