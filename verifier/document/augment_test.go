package document_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/cms"
	"tegata/verifier/document"
)

func TestASignatureIsRaisedLevelByLevel(t *testing.T) {
	w := newWorld(t)
	der := w.signed()
	for _, level := range []document.Level{document.LevelT, document.LevelLT, document.LevelLTA} {
		before := len(der)
		der = w.raised(der, level)
		r := w.check(der)
		passed(t, r)
		if r.Level != string(level) || len(der)-before > 40<<10 || r.Proven.IsZero() {
			t.Errorf("%s: got %s, %d bytes more, proven %v, %+v", level, r.Level, len(der)-before, r.Proven, r.TimeStamps)
		}
		t.Logf("%s: %d bytes more", level, len(der)-before)
	}
	again := w.raised(der, document.LevelLTA)
	if r := w.check(again); r.Level != "B-LTA" || len(r.TimeStamps) != 3 {
		t.Errorf("%+v", r)
	}
}

func TestOnlyWhatPassesIsRaised(t *testing.T) {
	w := newWorld(t)
	der := w.signed()
	der[len(der)-1] ^= 1
	if _, err := w.augmenter().Augment(t.Context(), der, content, document.LevelT); !errors.Is(err, document.ErrSignature) {
		t.Errorf("got %v", err)
	}
}

// B-LT: what was needed is inside. Nobody has to be asked about the signer any more,
// neither when its certificate has expired nor when it was revoked since.
func TestWhatIsInsideNeedNotBeAsked(t *testing.T) {
	w := newWorld(t)
	der := w.raised(w.signed(), document.LevelLT)
	asked := 0
	w.now = w.cert.NotAfter.Add(24 * time.Hour)
	c := w.checker()
	c.Status = counting{certpath.OCSP{}, &asked}
	r := c.Check(t.Context(), der, content, w.now).Signatures[0]
	passed(t, r)
	if asked != 1 || r.Status.Source != "ocsp" || r.Status.ThisUpdate.After(start.Add(time.Minute)) {
		t.Errorf("%d questions (one about the time-stamp authority is right), status %+v", asked, r.Status)
	}
}

// B-LTA: the second time-stamp authority vouches for the first, whose certificate has
// ended; years later nobody needs to be asked but about the last one.
func TestAnArchiveTimeStampOutlivesTheFirstAuthority(t *testing.T) {
	w := newWorld(t)
	first := w.tsa
	der := w.raised(w.signed(), document.LevelLTA)
	w.now = first.Chain[0].NotAfter.Add(-24 * time.Hour)
	second := w.newTSA(start.AddDate(4, 0, 0))
	w.status[first.Chain[0].SerialNumber.String()] = certpath.Status{State: certpath.Good, Source: "ops"}
	w.tsa = second
	renewed := w.raised(der, document.LevelLTA)
	w.now = first.Chain[0].NotAfter.AddDate(0, 6, 0)
	r := w.check(renewed)
	passed(t, r)
	if !r.Proven.Equal(start.Add(time.Second)) || len(r.TimeStamps) != 3 {
		t.Errorf("proven %v, %+v", r.Proven, r.TimeStamps)
	}
	says(t, w.check(der), document.ErrOutOfBounds, "indeterminate", "OUT_OF_BOUNDS_NO_POE")
	// Something that the archive covers was changed: it covers nothing any more.
	m, err := cms.Verify(renewed, content)
	if err != nil {
		t.Fatal(err)
	}
	v, err := m.ValidationData()
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Clone(v.OCSP[0])
	forged[len(forged)-1] ^= 1
	if r := w.check(bytes.Replace(renewed, v.OCSP[0], forged, 1)); r.Problem == nil {
		t.Error("a changed OCSP answer under an archive time-stamp went unnoticed")
	}
}

// counting counts the questions that reach a source.
type counting struct {
	certpath.OCSP
	asked *int
}

func (c counting) Status(ctx context.Context, cert, issuer *x509.Certificate, at time.Time) (certpath.Status, error) {
	*c.asked++
	return c.OCSP.Status(ctx, cert, issuer, at)
}

// Whatever is changed in a signature with all levels: it never passes on another proof
// of time than its own.
func TestNoChangedByteMovesTheProvenTime(t *testing.T) {
	w := newWorld(t)
	der := w.raised(w.signed(), document.LevelLTA)
	honest := w.check(der)
	w.now = w.now.Add(time.Hour)
	w.revoke(w.cert, certpath.Revoked, 1)
	w.now = w.now.Add(time.Hour)
	passed(t, w.check(der))
	const step = 37 // each check asks a responder
	stayed := 0
	for i := 0; i < len(der); i += step {
		forged := bytes.Clone(der)
		forged[i] ^= 1 << (i % 8)
		r := w.check(forged)
		if r.Problem != nil {
			continue
		}
		stayed++
		proven := false
		for _, token := range honest.TimeStamps {
			proven = proven || r.Proven.Equal(token.Time.Add(time.Second))
		}
		if !proven {
			t.Fatalf("byte %d changed, and the proven time is %v", i, r.Proven)
		}
	}
	t.Logf("%d of %d changes left a time-stamp that still proves its time", stayed, len(der)/step)
}
