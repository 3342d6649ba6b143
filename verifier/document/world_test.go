package document_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"tegata/internal/certpath"
	"tegata/internal/cms"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/tsp"
	"tegata/verifier/document"
)

var (
	start   = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	content = []byte("One room, two years, 50,000 a month.\n")
)

// world is authorities, a signer, a time-stamp authority and a responder that knows
// all of them, under one clock.
type world struct {
	t       *testing.T
	now     time.Time
	sign    *pkitest.Authority // phone-sign
	auth    *pkitest.Authority // phone-auth
	ops     *pkitest.Authority
	key     crypto.Signer // the signer's
	cert    *x509.Certificate
	tsa     tsp.Authority
	status  map[string]certpath.Status // by serial number; absent: good
	url     string                     // of the responder
	serials int64
	down    bool // the responder does not answer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, now: start, key: pkitest.Key(t, 1), status: map[string]certpath.Status{},
		sign: pkitest.NewAuthority(t, pki.PhoneSign, pkitest.Key(t, 0), start), auth: pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 2), start),
		ops: pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 7), start),
	}
	server := httptest.NewServer(http.HandlerFunc(w.answer))
	t.Cleanup(server.Close)
	w.url = server.URL
	w.cert = w.sign.Issue(t, w.key.Public(), pkitest.Leaf{CN: "signer", OCSP: w.url, NotAfter: start.AddDate(1, 0, 0)})
	w.tsa = w.newTSA(start.AddDate(2, 0, 0))
	return w
}

func (w *world) newTSA(end time.Time) tsp.Authority {
	w.t.Helper()
	key := pkitest.ECKey(w.t)
	use, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		w.t.Fatal(err)
	}
	leaf := w.ops.Issue(w.t, key.Public(), pkitest.Leaf{CN: "tsa", OCSP: w.url, NotAfter: end,
		Extra: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: use}}})
	return tsp.Authority{Signer: key, Chain: []*x509.Certificate{leaf, w.ops.Cert}, Policy: pki.SandboxArc().TimeStampPolicy(), Accuracy: time.Second}
}

// checker asks the responder.
func (w *world) checker() document.Checker {
	return document.Checker{Arc: pki.SandboxArc(), Status: certpath.OCSP{}, Anchors: w.anchors()}
}

func (w *world) anchors() []document.Anchor {
	return []document.Anchor{{Kind: pki.PhoneSign, Certificate: w.sign.Cert}, {Kind: pki.PhoneAuth, Certificate: w.auth.Cert}, {Kind: pki.Ops, Certificate: w.ops.Cert}}
}

func (w *world) augmenter() document.Augmenter {
	return document.Augmenter{Checker: w.checker(), Stamp: w.stamp, Now: func() time.Time { return w.now },
		Wait: func(_ context.Context, d time.Duration) error { w.now = w.now.Add(d); return nil }}
}

// stamp is a client of the world's time-stamp authority.
func (w *world) stamp(_ context.Context, h crypto.Hash, digest []byte) (*tsp.Token, []byte, error) {
	w.serials++
	r := tsp.NewRequest(h, digest)
	der, err := w.tsa.Stamp(r, big.NewInt(w.serials), w.now)
	if err != nil {
		return nil, nil, err
	}
	return r.Check(tsp.Granted(der))
}

// signed is a detached signature over content, as of the world's clock.
func (w *world) signed() []byte {
	w.t.Helper()
	der, err := cms.Sign(w.key, w.cert, content, w.now, true)
	if err != nil {
		w.t.Fatal(err)
	}
	return der
}

// raised is a signature at a level.
func (w *world) raised(der []byte, level document.Level) []byte {
	w.t.Helper()
	out, err := w.augmenter().Augment(w.t.Context(), der, content, level)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) check(der []byte) document.Result {
	w.t.Helper()
	r := w.checker().Check(w.t.Context(), der, content, w.now)
	if len(r.Signatures) != 1 {
		w.t.Fatalf("%d signatures", len(r.Signatures))
	}
	return r.Signatures[0]
}

// revoke changes the status of a certificate as of the world's clock.
func (w *world) revoke(c *x509.Certificate, state certpath.State, reason int) {
	w.status[c.SerialNumber.String()] = certpath.Status{State: state, Reason: reason, Since: w.now}
}

// answer is an OCSP responder (RFC 6960) whose answers the authority itself signs.
func (w *world) answer(out http.ResponseWriter, r *http.Request) {
	if w.down {
		http.Error(out, "down", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.t.Error(err)
		return
	}
	in := cryptobyte.String(body)
	var request, tbs, list, one, id, fields, exts cryptobyte.String
	serial := new(big.Int)
	ok := in.ReadASN1(&request, cbasn1.SEQUENCE) && request.ReadASN1(&tbs, cbasn1.SEQUENCE) && tbs.ReadASN1(&list, cbasn1.SEQUENCE) &&
		list.ReadASN1(&one, cbasn1.SEQUENCE) && one.ReadASN1Element(&id, cbasn1.SEQUENCE) && tbs.ReadASN1(&exts, cbasn1.Tag(2).Constructed().ContextSpecific())
	name := id
	ok = ok && name.ReadASN1(&fields, cbasn1.SEQUENCE) && fields.SkipASN1(cbasn1.SEQUENCE) && fields.SkipASN1(cbasn1.OCTET_STRING) &&
		fields.SkipASN1(cbasn1.OCTET_STRING) && fields.ReadASN1Integer(serial)
	if !ok {
		w.t.Error("the test's responder cannot read the request")
		return
	}
	issuer := w.sign
	if serial.Cmp(w.tsa.Chain[0].SerialNumber) == 0 || w.status[serial.String()].Source == "ops" {
		issuer = w.ops
	}
	out.Write(w.encode(issuer, id, w.status[serial.String()], exts))
}

func (w *world) encode(issuer *pkitest.Authority, id []byte, s certpath.Status, exts []byte) []byte {
	explicit := func(n uint8) cbasn1.Tag { return cbasn1.Tag(n).Constructed().ContextSpecific() }
	var data, response cryptobyte.Builder
	data.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) { b.AddBytes(issuer.Cert.RawSubject) })
		b.AddASN1GeneralizedTime(w.now)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(id)
				if s.State == "" || s.State == certpath.Good {
					b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
				} else {
					b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
						b.AddASN1GeneralizedTime(s.Since)
						b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(s.Reason)) })
					})
				}
				b.AddASN1GeneralizedTime(w.now)
				b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(w.now.Add(10 * time.Minute)) })
			})
		})
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) { b.AddBytes(exts) })
	})
	tbs := data.BytesOrPanic()
	digest := sha256.Sum256(tbs)
	signature, err := issuer.Key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		w.t.Error(err)
	}
	response.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(0)
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1})
				b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddBytes(tbs)
						b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11})
							b.AddASN1NULL()
						})
						b.AddASN1BitString(signature)
					})
				})
			})
		})
	})
	return response.BytesOrPanic()
}
