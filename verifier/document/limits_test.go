package document_test

import (
	"encoding/json"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/verifier/document"
)

// What a verdict cannot tell, as docs/verdicts.md says it. These tests hold the sentences to
// what is so: whoever mends one of the limits mends its sentence.

// A hold that was lifted leaves nothing in CRLs and OCSP answers (RFC 5280, section 5.3.1:
// removeFromCRL stands in delta CRLs alone), so that nobody can tell what was signed on hold
// from what was signed before or after. While it lasts nothing passes but what a time-stamp
// proves to be older.
func TestWhatWasSignedOnHoldPassesWhenItIsLifted(t *testing.T) {
	w := newWorld(t)
	before := w.raised(w.signed(), document.LevelT)
	w.now = w.now.Add(time.Hour)
	w.revoke(w.cert, certpath.Held, 6)
	w.now = w.now.Add(time.Hour)
	on := w.stampedAnyway(w.signed())
	says(t, w.check(on), document.ErrHeld, ceremony.Indeterminate, "TRY_LATER")
	passed(t, w.check(before))
	w.now = w.now.Add(time.Hour)
	delete(w.status, w.cert.SerialNumber.String()) // lifted
	passed(t, w.check(on))
	passed(t, w.check(before))
}

// Evidence without a time-stamp is worth what its keeper's word is: with the key and answers
// of before, a signature of after the revocation is given a moment of before. With a
// time-stamp it is not: TestEvidenceOfAnEarlierMomentThanItsTimeStamp.
func TestEvidenceWithoutATimeStampIsItsKeepersWord(t *testing.T) {
	w := newWorld(t)
	then, good := w.now, w.answers()
	w.now = w.now.AddDate(0, 1, 0)
	w.revoke(w.cert, certpath.Revoked, 1)
	today := w.now
	w.now = then // the keeper's clock, turned back
	forged := w.signed()
	w.now = today
	says(t, w.check(forged), document.ErrRevokedNoPOE, ceremony.Indeterminate, "REVOKED_NO_POE")
	c := w.checker()
	c.Status, c.Kept = nil, good
	messages := []document.Message{{Signed: forged, Content: content}}
	text, err := json.Marshal(c.Evidence(messages, good, c.CheckAll(t.Context(), messages, then)))
	if err != nil {
		t.Fatal(err)
	}
	e, err := document.ParseEvidence(text)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := e.Recheck(t.Context(), w.anchors()); err != nil || r.Verdict != ceremony.Passed || !r.Signatures[0].Proven.IsZero() {
		t.Errorf("%v; %s, proven %v", err, r.Verdict, r.Signatures[0].Proven)
	}
}
