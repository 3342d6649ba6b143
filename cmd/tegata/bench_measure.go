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
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// median of what was measured; 0 of nothing.
func median[T time.Duration | float64](v []T) T {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// rate has each of so many workers do work again and again for d, and returns
// pieces a second. work is told its worker.
func rate(ctx context.Context, workers int, d time.Duration, work func(worker int) error) (float64, error) {
	var done atomic.Int64
	began := time.Now()
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
				done.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	return float64(done.Load()) / time.Since(began).Seconds(), err
}

// versus measures ours and its limit in turn, so that a machine that gets slower
// or faster meanwhile does it to both, and returns the figure of the medians. The
// ratio is the median of the rounds' own.
func (e effort) versus(ctx context.Context, workers int, ours, limit func(worker int) error) (figure, error) {
	if e.rounds > 1 { // what is slow the first time only is no round
		for _, work := range []func(int) error{ours, limit} {
			if _, err := rate(ctx, workers, e.round/4, work); err != nil {
				return figure{}, err
			}
		}
	}
	var fast, bound, ratio, size []float64
	for range e.rounds {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a, err := rate(ctx, workers, e.round, ours)
		if err != nil {
			return figure{}, err
		}
		runtime.ReadMemStats(&after)
		b, err := rate(ctx, workers, e.round, limit)
		if err != nil {
			return figure{}, err
		}
		fast, bound, ratio = append(fast, a), append(bound, b), append(ratio, a/b)
		pieces := max(1, a*e.round.Seconds())
		size = append(size, float64(after.TotalAlloc-before.TotalAlloc)/1024/pieces)
	}
	return figure{Unit: "/s", Ours: median(fast), Limit: median(bound), Ratio: median(ratio), KiB: median(size)}, nil
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
type costs map[operation]time.Duration

// measureCosts measures each operation for d, one after the other.
func measureCosts(ctx context.Context, d time.Duration) (costs, error) {
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
	do := map[operation]func(int) error{
		rsaSign:     func(int) error { _, err := rsaKey.Sign(rand.Reader, digest[:], crypto.SHA256); return err },
		rsaVerify:   func(int) error { return rsa.VerifyPKCS1v15(&rsaKey.PublicKey, crypto.SHA256, digest[:], rsaSignature) },
		ecSign:      func(int) error { _, err := ecKey.Sign(rand.Reader, digest[:], crypto.SHA256); return err },
		ecVerify:    func(int) error { return check(&ecKey.PublicKey, digest[:], ecSignature) },
		p384Verify:  func(int) error { return check(&p384Key.PublicKey, wide[:], p384Signature) },
		ecAgreement: func(int) error { _, err := agreement.ECDH(agreement.PublicKey()); return err },
	}
	c := costs{}
	for _, o := range operations() {
		perSecond, err := rate(ctx, 1, d, do[o])
		if err != nil {
			return nil, err
		}
		c[o] = time.Duration(float64(time.Second) / perSecond)
	}
	return c, nil
}

// tally counts operations of one piece of work.
type tally map[operation]int

// takes is what they take one after the other.
func (t tally) takes(c costs) time.Duration {
	var sum time.Duration
	for o, n := range t {
		sum += time.Duration(n) * c[o]
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

// journeys does work a number of times, measuring the costs of operations before and
// after, and returns what each took by its own account. Of several the first is not
// counted: it opens connections.
func (e effort) repeat(ctx context.Context, work func() (time.Duration, error)) (took []time.Duration, c costs, err error) {
	before, err := measureCosts(ctx, e.round/4)
	if err != nil {
		return nil, nil, err
	}
	for began := time.Now(); len(took) < e.journeys && time.Since(began) < journeyTime; {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		d, err := work()
		if err != nil {
			return nil, nil, err
		}
		took = append(took, d)
	}
	after, err := measureCosts(ctx, e.round/4)
	if err != nil {
		return nil, nil, err
	}
	for o := range before {
		before[o] = (before[o] + after[o]) / 2
	}
	return took[min(1, len(took)-1):], before, nil
}
