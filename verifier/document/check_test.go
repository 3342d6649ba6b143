package document_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/cms"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/verifier/document"
)

// says checks a verdict; want nil is passed.
func says(t *testing.T, r document.Result, want *problem.Problem, verdict ceremony.Verdict, sub string) {
	t.Helper()
	if want == nil && r.Problem != nil || want != nil && !errors.Is(r.Problem, want) {
		t.Fatalf("got %v, want %v", r.Problem, want)
	}
	if r.Verdict != verdict || r.SubIndication != sub {
		t.Errorf("got %s %s, want %s %s", r.Verdict, r.SubIndication, verdict, sub)
	}
}

func passed(t *testing.T, r document.Result) { t.Helper(); says(t, r, nil, ceremony.Passed, "") }

func TestASignatureOfAPersonPasses(t *testing.T) {
	w := newWorld(t)
	r := w.check(w.signed())
	passed(t, r)
	if r.Format != "CAdES" || r.Level != "B-B" || r.Kind != pki.PhoneSign || !r.Claimed.Equal(w.now) || !r.Proven.IsZero() || r.Status.State != certpath.Good {
		t.Errorf("%+v", r)
	}
	attached, err := cms.Sign(w.key, w.cert, content, w.now, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, given := range [][]byte{nil, content} {
		if r := w.checker().Check(t.Context(), attached, given, w.now); r.Verdict != ceremony.Passed {
			t.Errorf("%+v", r.Problem)
		}
	}
}

// A card's signature is as good as a phone's, and the same trust does not extend to
// the other: an authority counts for its own kind.
func TestACardsSignaturePassesUnderItsOwnAuthority(t *testing.T) {
	w := newWorld(t)
	card := pkitest.NewAuthority(t, pki.CardSign, pkitest.Key(t, 3), start)
	w.sign = card // the responder answers for it
	cert := card.Issue(t, w.key.Public(), pkitest.Leaf{CN: "signer", OCSP: w.url})
	der, err := cms.Sign(w.key, cert, content, w.now, true)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[pki.Kind]*problem.Problem{pki.CardSign: nil, pki.PhoneSign: document.ErrPath, pki.CardAuth: document.ErrPath, pki.Ops: document.ErrPath} {
		c := w.checker()
		c.Anchors = []document.Anchor{{Kind: kind, Certificate: card.Cert}}
		r := c.Check(t.Context(), der, content, w.now).Signatures[0]
		if want == nil {
			passed(t, r)
			if r.Kind != pki.CardSign {
				t.Errorf("kind %q", r.Kind)
			}
		} else {
			says(t, r, want, ceremony.Failed, "NO_CERTIFICATE_CHAIN_FOUND")
		}
	}
}

// Each way in which a document can be wrong has its own code, and the earlier check
// has the word.
func TestEachFailureHasItsCode(t *testing.T) {
	w := newWorld(t)
	good := w.signed()
	by := func(key crypto.Signer, c *x509.Certificate) []byte {
		der, err := cms.Sign(key, c, content, w.now, true)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	stranger := pkitest.NewAuthority(t, pki.PhoneSign, pkitest.Key(t, 4), start)
	byStranger := stranger.Issue(t, w.key.Public(), pkitest.Leaf{CN: "signer", OCSP: w.url})
	login := w.auth.Issue(t, w.key.Public(), pkitest.Leaf{CN: "login", OCSP: w.url})
	serial := pki.RandomSerial()
	meant := w.sign.Issue(t, w.key.Public(), pkitest.Leaf{CN: "signer", Serial: serial, OCSP: w.url})
	put := w.sign.Issue(t, w.key.Public(), pkitest.Leaf{CN: "signer", Serial: serial, OCSP: w.url, NotAfter: start.AddDate(2, 0, 0)})
	forged := bytes.Clone(good)
	forged[len(forged)-1] ^= 1
	inPDF, err := cms.SignPAdES(w.key, w.cert, content)
	if err != nil {
		t.Fatal(err)
	}
	typed := []byte{6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 3, 0x31, 0x0B, 6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 1}
	confused := bytes.Replace(good, typed, append(bytes.Clone(typed[:len(typed)-1]), 2), 1)
	rsaEncryption := []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1, 5, 0, 4}
	algorithm := bytes.Replace(good, rsaEncryption, []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 13, 5, 0, 4}, 1)
	sha256 := []byte{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1}
	weak := bytes.ReplaceAll(good, sha256, []byte{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 4}) // SHA-224
	for _, c := range []struct {
		name    string
		der     []byte
		content []byte
		want    *problem.Problem
		verdict ceremony.Verdict
		sub     string
	}{
		{"a text", []byte("hello"), content, document.ErrFormat, ceremony.Failed, "FORMAT_FAILURE"},
		{"half a signature", good[:len(good)/2], content, document.ErrMalformed, ceremony.Failed, "FORMAT_FAILURE"},
		{"a content-type of something else", confused, content, document.ErrAttribute, ceremony.Failed, "FORMAT_FAILURE"},
		{"no signing-time", inPDF, content, document.ErrMissingAttribute, ceremony.Failed, "FORMAT_FAILURE"},
		{"a digest weaker than SHA-256", weak, content, document.ErrWeakDigest, ceremony.Failed, "CRYPTO_CONSTRAINTS_FAILURE"},
		{"a certificate in the place of the signer's", bytes.Replace(by(w.key, meant), meant.Raw, put.Raw, 1), content, document.ErrSubstituted, ceremony.Failed, "NO_SIGNING_CERTIFICATE_FOUND"},
		{"an authentication certificate", by(w.key, login), content, document.ErrCertificateKind, ceremony.Failed, "CHAIN_CONSTRAINTS_FAILURE"},
		{"a party's certificate", by(w.tsa.Signer, w.tsa.Chain[0]), content, document.ErrCertificateKind, ceremony.Failed, "CHAIN_CONSTRAINTS_FAILURE"},
		{"no content", good, nil, document.ErrContentMissing, ceremony.Indeterminate, "SIGNED_DATA_NOT_FOUND"},
		{"another content", good, []byte("5,000 a month"), document.ErrContentChanged, ceremony.Failed, "HASH_FAILURE"},
		{"an algorithm for another digest", algorithm, content, document.ErrAlgorithm, ceremony.Failed, "SIG_CRYPTO_FAILURE"},
		{"a changed signature", forged, content, document.ErrSignature, ceremony.Failed, "SIG_CRYPTO_FAILURE"},
		{"an authority of the same name that nobody trusts", by(w.key, byStranger), content, document.ErrPath, ceremony.Failed, "NO_CERTIFICATE_CHAIN_FOUND"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if bytes.Equal(c.der, good) && bytes.Equal(c.content, content) {
				t.Fatal("nothing is wrong with it")
			}
			report := w.checker().Check(t.Context(), c.der, c.content, w.now)
			says(t, report.Signatures[0], c.want, c.verdict, c.sub)
			if report.Verdict != c.verdict || report.Problem == nil {
				t.Errorf("the whole: %+v", report)
			}
		})
	}
	if len(meant.Raw) != len(put.Raw) {
		t.Error("the certificates differ in length: the substitution is only malformed")
	}
}

func TestStatusIsFailClosed(t *testing.T) {
	w := newWorld(t)
	der := w.signed()
	w.down = true
	says(t, w.check(der), document.ErrStatusUnavailable, ceremony.Indeterminate, "TRY_LATER")
	nobody := w.checker()
	nobody.Status = nil
	says(t, nobody.Check(t.Context(), der, content, w.now).Signatures[0], document.ErrStatusUnavailable, ceremony.Indeterminate, "TRY_LATER")
}

// Without a time-stamp only the signer says when it was.
func TestWithoutProofOfTime(t *testing.T) {
	w := newWorld(t)
	before := w.signed()
	w.now = w.now.Add(time.Hour)
	w.revoke(w.cert, certpath.Revoked, 1)
	after := w.signed()
	w.now = w.now.Add(time.Hour)
	r := w.check(before)
	says(t, r, document.ErrRevokedNoPOE, ceremony.Indeterminate, "REVOKED_NO_POE")
	if r.Problem.Extra["reason"] != "keyCompromise" {
		t.Errorf("%+v", r.Problem.Extra)
	}
	says(t, w.check(after), document.ErrRevoked, ceremony.Failed, "REVOKED")
	w.revoke(w.cert, certpath.Held, 6)
	says(t, w.check(before), document.ErrHeld, ceremony.Indeterminate, "TRY_LATER")
	delete(w.status, w.cert.SerialNumber.String())
	w.now = w.cert.NotAfter.Add(time.Hour)
	says(t, w.check(before), document.ErrOutOfBounds, ceremony.Indeterminate, "OUT_OF_BOUNDS_NO_POE")
	says(t, w.check(w.signed()), document.ErrExpired, ceremony.Failed, "EXPIRED")
}

// A time-stamp proves that the signature was there: what happens to the certificate
// afterwards does not matter.
func TestWithProofOfTime(t *testing.T) {
	w := newWorld(t)
	stamped := w.raised(w.signed(), document.LevelT)
	r := w.check(stamped)
	passed(t, r)
	if r.Level != "B-T" || !r.Proven.Equal(start.Add(time.Second)) || len(r.TimeStamps) != 1 || r.TimeStamps[0].Problem != nil {
		t.Fatalf("%+v", r)
	}
	w.now = w.now.Add(time.Hour)
	w.revoke(w.cert, certpath.Revoked, 1)
	late := w.signed() // and stamped by whoever has the key
	lateStamped := w.stampedAnyway(late)
	w.now = w.now.Add(time.Hour)
	passed(t, w.check(stamped))
	says(t, w.check(lateStamped), document.ErrRevoked, ceremony.Failed, "REVOKED")
	w.revoke(w.cert, certpath.Held, 6)
	passed(t, w.check(stamped))
	delete(w.status, w.cert.SerialNumber.String())
	w.now = w.cert.NotAfter.Add(24 * time.Hour)
	passed(t, w.check(stamped))
}

// stampedAnyway is what Augment refuses to make.
func (w *world) stampedAnyway(der []byte) []byte {
	w.t.Helper()
	m, err := cms.Verify(der, content)
	if err != nil {
		w.t.Fatal(err)
	}
	_, token, err := w.stamp(w.t.Context(), crypto.SHA256, m.SignatureImprint(crypto.SHA256))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := m.AddSignatureTimeStamp(token); err != nil {
		w.t.Fatal(err)
	}
	out, err := m.Marshal()
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// A time-stamp that proves nothing leaves the signature as if it had none.
func TestTimeStampsThatProveNothing(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(w *world) []byte // returns a signature with the time-stamp
		want  *problem.Problem
	}{
		{"one over another signature", func(w *world) []byte {
			m, err := cms.Verify(w.signed(), content)
			if err != nil {
				t.Fatal(err)
			}
			_, token, err := w.stamp(t.Context(), crypto.SHA256, make([]byte, 32))
			if err != nil || m.AddSignatureTimeStamp(token) != nil {
				t.Fatal(err)
			}
			out, err := m.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			return out
		}, document.ErrStampImprint},
		{"one of an authority that nobody trusts", func(w *world) []byte {
			der := w.stampedAnyway(w.signed())
			w.ops = pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 5), start)
			return der
		}, document.ErrStampAuthority},
		{"one under another policy", func(w *world) []byte {
			w.tsa.Policy = []int{2, 999, 1, 7}
			return w.stampedAnyway(w.signed())
		}, document.ErrStampAuthority},
		{"one of an authority whose key was stolen later", func(w *world) []byte {
			der := w.stampedAnyway(w.signed())
			w.now = w.now.Add(time.Hour)
			w.revoke(w.tsa.Chain[0], certpath.Revoked, 1)
			return der
		}, document.ErrStampRevoked},
		{"one of an authority whose time is over", func(w *world) []byte {
			w.tsa = w.newTSA(start.Add(30 * time.Minute))
			return w.stampedAnyway(w.signed())
		}, document.ErrStampExpired},
		{"one that is no token", func(w *world) []byte {
			m, err := cms.Verify(w.signed(), content)
			if err != nil || m.AddSignatureTimeStamp([]byte{0x30, 0}) != nil {
				t.Fatal(err)
			}
			out, err := m.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			return out
		}, document.ErrStampMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			der := c.spoil(w)
			w.now = w.now.Add(time.Hour)
			r := w.check(der)
			passed(t, r) // the certificate is good now
			if !r.Proven.IsZero() || len(r.TimeStamps) != 1 || !errors.Is(r.TimeStamps[0].Problem, c.want) {
				t.Errorf("proven %v, %+v", r.Proven, r.TimeStamps)
			}
			w.revoke(w.cert, certpath.Revoked, 1)
			says(t, w.check(der), document.ErrRevokedNoPOE, ceremony.Indeterminate, "REVOKED_NO_POE")
		})
	}
}

// An authority that ended in peace leaves its time-stamps good (RFC 3161, section 4).
func TestATimeStampAuthorityThatEndedInPeace(t *testing.T) {
	w := newWorld(t)
	der := w.raised(w.signed(), document.LevelT)
	w.now = w.now.Add(time.Hour)
	w.revoke(w.tsa.Chain[0], certpath.Revoked, 5)
	later := w.stampedAnyway(w.signed())
	w.now = w.now.Add(time.Hour)
	if r := w.check(der); r.Proven.IsZero() {
		t.Errorf("%+v", r.TimeStamps)
	}
	if r := w.check(later); !r.Proven.IsZero() {
		t.Error("a time-stamp from after the end proves something")
	}
}

func TestSeveralMessagesMakeOneVerdict(t *testing.T) {
	w := newWorld(t)
	good, bad := w.signed(), w.signed()
	bad[len(bad)-1] ^= 1
	check := func(der, about []byte) document.Report { return w.checker().Check(t.Context(), der, about, w.now) }
	for _, c := range []struct {
		name    string
		reports []document.Report
		want    ceremony.Verdict
	}{
		{"all passed", []document.Report{check(good, content), check(good, content)}, ceremony.Passed},
		{"one failed", []document.Report{check(good, content), check(good, nil), check(bad, content)}, ceremony.Failed},
		{"one is open", []document.Report{check(good, content), check(good, nil)}, ceremony.Indeterminate},
	} {
		if r := document.Together(c.reports...); r.Verdict != c.want || len(r.Signatures) != len(c.reports) || (r.Problem == nil) != (c.want == ceremony.Passed) {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

// Whoever has stolen the key puts an answer from before the theft into the document:
// fresh as it is, it says nothing about a signature that nothing proves to be older.
func TestAnAnswerFromBeforeTheTheftIsNotTaken(t *testing.T) {
	w := newWorld(t)
	var answer []byte
	o := certpath.OCSP{Keep: func(der []byte) { answer = der }}
	if _, err := o.Status(t.Context(), w.cert, w.sign.Cert, w.now); err != nil {
		t.Fatal(err)
	}
	basic, err := certpath.BasicOCSP(answer)
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Minute)
	w.revoke(w.cert, certpath.Revoked, 1)
	w.now = w.now.Add(time.Minute)
	for name, der := range map[string][]byte{"bare": w.signed(), "with a time-stamp": w.stampedAnyway(w.signed())} {
		m, err := cms.Verify(der, content)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.AddValidationData(cms.ValidationData{Certificates: []*x509.Certificate{w.sign.Cert}, OCSP: [][]byte{basic}}); err != nil {
			t.Fatal(err)
		}
		out, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			says(t, w.check(out), document.ErrRevoked, ceremony.Failed, "REVOKED")
			w.down = true
			says(t, w.check(out), document.ErrStatusUnavailable, ceremony.Indeterminate, "TRY_LATER")
			w.down = false
		})
	}
}
