package document_test

import (
	"bytes"
	"crypto"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/cms"
	"tegata/internal/httpd"
	"tegata/internal/pades"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/verifier/document"
)

// evidence checks a signature online and returns what the verdict rests on, as text.
func (w *world) evidence(der []byte) ([]byte, document.Report) {
	w.t.Helper()
	keeper := &document.Keeper{}
	c := w.checker()
	c.Status = certpath.OCSP{Keep: keeper.Keep}
	messages := []document.Message{{Signed: der, Content: content}}
	r := c.CheckAll(w.t.Context(), messages, w.now)
	text, err := json.Marshal(c.Evidence(messages, keeper.Answers(), r))
	if err != nil {
		w.t.Fatal(err)
	}
	return text, r
}

// The same verdict from the evidence alone, when everything else is gone: passed,
// failed and indeterminate ones, at each level.
func TestTheVerdictIsMadeAgainFromItsEvidence(t *testing.T) {
	w := newWorld(t)
	bare := w.signed()
	var all []document.Report
	var texts [][]byte
	keep := func(der []byte) {
		text, r := w.evidence(der)
		all, texts = append(all, r), append(texts, text)
	}
	keep(bare)
	stamped := w.raised(bare, document.LevelT)
	keep(stamped)
	archived := w.raised(stamped, document.LevelLTA)
	keep(archived)
	keep(append(bytes.Clone(bare[:len(bare)-1]), bare[len(bare)-1]^1))
	w.now = w.now.Add(time.Hour)
	w.revoke(w.cert, certpath.Revoked, 1)
	w.now = w.now.Add(time.Hour)
	keep(bare)
	keep(stamped)
	keep(archived)
	w.down = true
	w.now = w.now.AddDate(20, 0, 0)
	for i, text := range texts {
		e, err := document.ParseEvidence(text)
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Recheck(t.Context(), w.anchors())
		if err != nil || r.Verdict != all[i].Verdict || r.SubIndication != all[i].SubIndication {
			t.Errorf("case %d: %v; got %s %s, was %s %s (%v)", i, err, r.Verdict, r.SubIndication, all[i].Verdict, all[i].SubIndication, all[i].Problem)
		}
	}
	if all[0].Verdict != ceremony.Passed || all[3].Verdict != ceremony.Failed || all[4].Verdict != ceremony.Indeterminate || all[5].Verdict != ceremony.Passed {
		t.Errorf("the verdicts were %s %s %s %s", all[0].Verdict, all[3].Verdict, all[4].Verdict, all[5].Verdict)
	}
}

// Several messages of one signer rest on one answer, and what came along in one of
// them stays in that one.
func TestEvidenceOfSeveralMessages(t *testing.T) {
	w := newWorld(t)
	bare := w.signed()
	archived := w.raised(bare, document.LevelLTA)
	w.now = w.now.Add(time.Hour)
	w.revoke(w.cert, certpath.Revoked, 1)
	keeper := &document.Keeper{}
	c := w.checker()
	c.Status = certpath.OCSP{Keep: func(der []byte) {
		keeper.Keep(der)
		w.now = w.now.Add(time.Second) // answers differ from second to second
	}}
	messages := []document.Message{{Signed: archived, Content: content}, {Signed: bare, Content: content}, {Signed: bare, Content: content}}
	r := c.CheckAll(t.Context(), messages, w.now)
	if r.Signatures[0].Verdict != ceremony.Passed || r.Signatures[1].Verdict != ceremony.Indeterminate || r.Verdict != ceremony.Indeterminate {
		t.Fatalf("%+v", r)
	}
	if _, err := c.Evidence(messages, keeper.Answers(), r).Recheck(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestEvidenceThatWasTouched(t *testing.T) {
	w := newWorld(t)
	w.revoke(w.cert, certpath.Revoked, 1)
	w.now = w.now.Add(time.Hour)
	text, r := w.evidence(w.signed())
	if r.Verdict != ceremony.Failed {
		t.Fatalf("%+v", r.Problem)
	}
	w2 := newWorld(t)
	good, _ := w2.evidence(w2.signed())
	edit := func(text []byte, change func(*document.Evidence)) document.Evidence {
		e, err := document.ParseEvidence(text)
		if err != nil {
			t.Fatal(err)
		}
		change(&e)
		return e
	}
	for _, c := range []struct {
		name    string
		e       document.Evidence
		trusted []document.Anchor
		want    *problem.Problem
	}{
		{"another verdict", edit(text, func(e *document.Evidence) { e.Verdict.Verdict = ceremony.Passed }), nil, document.ErrEvidenceDiffers},
		{"without the answer that says revoked", edit(text, func(e *document.Evidence) { e.OCSP = nil }), nil, document.ErrEvidenceDiffers},
		{"another document", edit(good, func(e *document.Evidence) { e.Messages[0].Content = []byte("5,000") }), nil, document.ErrEvidenceDiffers},
		{"another moment", edit(good, func(e *document.Evidence) { e.At = e.At.Add(time.Hour) }), nil, document.ErrEvidenceDiffers},
		{"an authority that is not trusted", edit(good, func(*document.Evidence) {}), w.anchors(), document.ErrEvidenceAnchors},
		{"an authority as one of another kind", edit(good, func(e *document.Evidence) { e.Anchors[1].Kind = pki.CardSign }), w2.anchors(), document.ErrEvidenceAnchors},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.e.Recheck(t.Context(), c.trusted); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	for _, text := range []string{"", "{}", `{"tegata_evidence":2,"messages":[{}]}`, `{"tegata_evidence":1,"messages":[{}],"more":1}`} {
		if _, err := document.ParseEvidence([]byte(text)); !errors.Is(err, document.ErrEvidence) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestVerifyOverHTTP(t *testing.T) {
	w := newWorld(t)
	refused := problem.NewRefused(401, "caller-unproved", "だれ", "だれ", "who", "who")
	h := &document.Handler{Checker: w.checker(), Now: func() time.Time { return w.now }, Enter: func(w http.ResponseWriter, r *http.Request, _ time.Time) bool {
		if r.Header.Get("Authorization") != "Bearer shop" {
			httpd.WriteProblem(w, r, refused)
			return false
		}
		return true
	}}
	server := httptest.NewServer(h.Routes())
	defer server.Close()
	call := func(authorization string, body any) (int, map[string]json.RawMessage) {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest("POST", server.URL+"/v1/verify", bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", authorization)
		req.Header.Set("Content-Type", "application/json")
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var out map[string]json.RawMessage
		if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, out
	}
	message := map[string]any{"signed": w.signed(), "content": content}
	status, out := call("Bearer shop", map[string]any{"messages": []any{message}, "evidence": true})
	if status != 200 || string(out["verdict"]) != `"passed"` {
		t.Fatalf("%d %s", status, out["verdict"])
	}
	e, err := document.ParseEvidence(out["evidence"])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Recheck(t.Context(), w.anchors()); err != nil {
		t.Error(err)
	}
	if status, out := call("Bearer shop", map[string]any{"messages": []any{map[string]any{"signed": w.signed()}}}); status != 200 || string(out["verdict"]) != `"indeterminate"` ||
		string(out["code"]) != `"signature-content-missing"` || out["evidence"] != nil {
		t.Errorf("%d %s", status, out)
	}
	for name, c := range map[string]struct {
		authorization string
		body          any
		want          int
	}{
		"a stranger":       {"", map[string]any{"messages": []any{message}}, 401},
		"nothing":          {"Bearer shop", map[string]any{}, 400},
		"too many at once": {"Bearer shop", map[string]any{"messages": make([]struct{}, 17)}, 400},
	} {
		if status, out := call(c.authorization, c.body); status != c.want {
			t.Errorf("%s: %d %s", name, status, out)
		}
	}
}

// Evidence tells the moment of its verdict itself: a time-stamp from after that moment
// proves nothing, so that a later signature is not passed by an older answer.
func TestEvidenceOfAnEarlierMomentThanItsTimeStamp(t *testing.T) {
	w := newWorld(t)
	then, good := w.now, w.answers()
	w.now = w.now.AddDate(0, 1, 0)
	w.revoke(w.cert, certpath.Revoked, 1)
	w.now = w.now.Add(time.Hour)
	signed := w.signed()
	m, err := cms.Verify(signed, content)
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := w.stamp(t.Context(), crypto.SHA256, m.SignatureImprint(crypto.SHA256))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.AddSignatureTimeStamp(token); err != nil {
		t.Fatal(err)
	}
	stamped, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	c := w.checker()
	c.Status, c.Kept = nil, good
	r := c.Check(t.Context(), stamped, content, then)
	if len(r.Signatures) != 1 || len(r.Signatures[0].TimeStamps) != 1 || r.Signatures[0].TimeStamps[0].Problem == nil || !r.Signatures[0].Proven.IsZero() {
		t.Errorf("%s: proven %v by a time-stamp of %v, judged as of %v", r.Verdict, r.Signatures[0].Proven, w.now, then)
	}
}

// What proves nothing makes no level, and is no reason to add nothing.
func TestATimeStampThatProvesNothingMakesNoLevel(t *testing.T) {
	w := newWorld(t)
	m, err := cms.Verify(w.signed(), content)
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := w.stamp(t.Context(), crypto.SHA256, make([]byte, 32)) // over something else
	if err != nil {
		t.Fatal(err)
	}
	if err := m.AddSignatureTimeStamp(token); err != nil {
		t.Fatal(err)
	}
	der, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if r := w.check(der); r.Level != "B-B" || r.Verdict != ceremony.Passed {
		t.Errorf("%s %s", r.Verdict, r.Level)
	}
	if r := w.check(w.raised(der, document.LevelT)); r.Level != "B-T" || r.Proven.IsZero() {
		t.Errorf("raised: %s, proven %v", r.Level, r.Proven)
	}
	pdf := w.signPDF(paper("One room"))
	d, err := pades.PrepareDocTimeStamp(pdf, pades.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if pdf, err = d.Embed(token); err != nil {
		t.Fatal(err)
	}
	raised, err := w.augmenter().Augment(t.Context(), pdf, nil, document.LevelLT)
	if err != nil {
		t.Fatal(err)
	}
	if r := w.one(raised, nil); r.Level != "B-LT" || r.Proven.IsZero() {
		t.Errorf("a PDF: %s, proven %v", r.Level, r.Proven)
	}
}
