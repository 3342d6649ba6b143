package status_test

import (
	"bytes"
	"crypto"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/ocsp"

	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/issuer/status"
	"tegata/store/issuer/issuertest"
)

// query is one OCSPRequest as a test builds it.
type query struct {
	ids      [][]byte
	nonce    []byte // inside the OCTET STRING; nil: none
	rawNonce []byte // the extension's value itself
	critical bool   // an unknown extension that must be understood
}

// certID names a certificate's serial under an issuer by SHA-1 or SHA-256.
func certID(issuer *x509.Certificate, serial *big.Int, h crypto.Hash) []byte {
	var spki struct {
		Algorithm asn1.RawValue
		Bits      asn1.BitString
	}
	if _, err := asn1.Unmarshal(issuer.RawSubjectPublicKeyInfo, &spki); err != nil {
		panic(err)
	}
	oid := asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	name1, key1 := sha1.Sum(issuer.RawSubject), sha1.Sum(spki.Bits.Bytes)
	name, key := name1[:], key1[:]
	if h == crypto.SHA256 {
		oid = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
		name2, key2 := sha256.Sum256(issuer.RawSubject), sha256.Sum256(spki.Bits.Bytes)
		name, key = name2[:], key2[:]
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oid)
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(name)
		b.AddASN1OctetString(key)
		b.AddASN1BigInt(serial)
	})
	return b.BytesOrPanic()
}

func (q query) der() []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, id := range q.ids {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(id) })
				}
			})
			value := q.rawNonce
			if q.nonce != nil {
				var v cryptobyte.Builder
				v.AddASN1OctetString(q.nonce)
				value = v.BytesOrPanic()
			}
			if value == nil && !q.critical {
				return
			}
			b.AddASN1(cbasn1.Tag(2).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					if value != nil {
						b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2})
							b.AddASN1OctetString(value)
						})
					}
					if q.critical {
						b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{2, 999, 99})
							b.AddASN1Boolean(true)
							b.AddASN1OctetString([]byte{5, 0})
						})
					}
				})
			})
		})
	})
	return b.BytesOrPanic()
}

// ask answers for one certificate and checks the answer's signature and times.
func ask(t *testing.T, i *issuertest.Issuer, kind pki.Kind, serial *big.Int, h crypto.Hash) *ocsp.Response {
	t.Helper()
	issuer := i.CA.Authority(kind)
	der := i.Handler.Responder.Answer(t.Context(), query{ids: [][]byte{certID(issuer, serial, h)}}.der())
	response, err := ocsp.ParseResponse(der, issuer)
	if err != nil {
		t.Fatalf("the answer does not parse: %v", err)
	}
	if life := response.NextUpdate.Sub(response.ThisUpdate); life <= 0 || life > 10*time.Minute {
		t.Errorf("the answer lives %v", life)
	}
	return response
}

func TestOCSPTellsTheLedger(t *testing.T) {
	i := issuertest.New(t)
	good := i.Issue(t, pki.PhoneAuth, 0, "")
	held := i.Issue(t, pki.PhoneAuth, 1, status.Unregistered)
	revoked := i.Issue(t, pki.PhoneAuth, 2, "")
	draft, err := i.CA.Prepare(t.Context(), issuertest.Who, i.Request(t, pki.PhoneAuth, 3))
	if err != nil {
		t.Fatal(err)
	}
	holdDate := i.Clock.Now()
	i.Clock.Walk(time.Hour)
	i.Apply(t, status.Change{Kind: pki.PhoneAuth, Serial: pki.SerialOf(revoked), Op: status.Revoke, Reason: status.Superseded})
	for _, h := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		if got := ask(t, i, pki.PhoneAuth, good.SerialNumber, h).Status; got != ocsp.Good {
			t.Errorf("%v: a good one is %d", h, got)
		}
		got := ask(t, i, pki.PhoneAuth, held.SerialNumber, h)
		if got.Status != ocsp.Revoked || got.RevocationReason != ocsp.CertificateHold || !got.RevokedAt.Equal(holdDate) {
			t.Errorf("%v: a held one is %d, reason %d, since %v", h, got.Status, got.RevocationReason, got.RevokedAt)
		}
		got = ask(t, i, pki.PhoneAuth, revoked.SerialNumber, h)
		if got.Status != ocsp.Revoked || got.RevocationReason != ocsp.Superseded || !got.RevokedAt.Equal(i.Clock.Now()) {
			t.Errorf("%v: a revoked one is %d, reason %d, since %v", h, got.Status, got.RevocationReason, got.RevokedAt)
		}
		for name, serial := range map[string]*big.Int{
			"a serial that was never drawn":        pki.RandomSerial().Big(),
			"a draft":                              draft.Serial().Big(),
			"a small serial":                       big.NewInt(1),
			"a serial of 20 octets":                new(big.Int).Lsh(big.NewInt(1), 155),
			"a negative serial":                    big.NewInt(-5),
			"a good one's, shifted by a zero byte": new(big.Int).Lsh(good.SerialNumber, 8),
		} {
			if got := ask(t, i, pki.PhoneAuth, serial, h).Status; got != ocsp.Unknown {
				t.Errorf("%v: %s is %d", h, name, got)
			}
		}
		if got := ask(t, i, pki.CardAuth, good.SerialNumber, h).Status; got != ocsp.Unknown {
			t.Errorf("%v: another authority says %d about it", h, got)
		}
	}
	i.Apply(t, status.Change{Kind: pki.PhoneAuth, Serial: pki.SerialOf(held), Op: status.Lift, Cause: status.Unregistered})
	if got := ask(t, i, pki.PhoneAuth, held.SerialNumber, crypto.SHA1).Status; got != ocsp.Good {
		t.Errorf("after the hold: %d", got)
	}
}

func TestOneAnswerTellsOfSeveralCertificates(t *testing.T) {
	i := issuertest.New(t)
	good, bad := i.Issue(t, pki.CardSign, 0, ""), i.Issue(t, pki.CardSign, 1, status.Lost)
	stranger := i.Issue(t, pki.CardAuth, 2, "")
	issuer := i.CA.Authority(pki.CardSign)
	q := query{nonce: []byte("0123456789abcdef0123456789abcdef"), ids: [][]byte{
		certID(issuer, good.SerialNumber, crypto.SHA256), certID(issuer, bad.SerialNumber, crypto.SHA1),
		certID(issuer, pki.RandomSerial().Big(), crypto.SHA1), certID(i.CA.Authority(pki.CardAuth), stranger.SerialNumber, crypto.SHA1)}}
	der := i.Handler.Responder.Answer(t.Context(), q.der())
	for n, want := range []int{ocsp.Good, ocsp.Revoked, ocsp.Unknown, ocsp.Unknown} {
		// x/crypto/ocsp reads the answer about one certificate; it finds ours by serial.
		serial := []*big.Int{good.SerialNumber, bad.SerialNumber, nil, stranger.SerialNumber}[n]
		if serial == nil {
			continue
		}
		response, err := ocsp.ParseResponseForCert(der, &x509.Certificate{SerialNumber: serial}, issuer)
		if err != nil {
			t.Fatal(err)
		}
		if response.Status != want {
			t.Errorf("certificate %d is %d, not %d", n+1, response.Status, want)
		}
	}
	for _, id := range q.ids {
		if !bytes.Contains(der, id) {
			t.Error("a CertID is not repeated octet for octet")
		}
	}
	if !bytes.Contains(der, q.nonce) {
		t.Error("the nonce is not repeated")
	}
}

func TestGenerationsOfOneNameAnswerForTheirOwn(t *testing.T) {
	i := issuertest.New(t)
	old := i.Issue(t, pki.PhoneAuth, 0, "")
	first := i.CA.Authority(pki.PhoneAuth)
	second, err := i.CA.Rekey(t.Context(), issuertest.Who, pki.PhoneAuth)
	if err != nil {
		t.Fatal(err)
	}
	young := i.Issue(t, pki.PhoneAuth, 1, "")
	for n, c := range []struct {
		issuer *x509.Certificate
		serial *big.Int
		want   int
	}{{first, old.SerialNumber, ocsp.Good}, {second, young.SerialNumber, ocsp.Good}, {second, old.SerialNumber, ocsp.Unknown}, {first, young.SerialNumber, ocsp.Unknown}} {
		der := i.Handler.Responder.Answer(t.Context(), query{ids: [][]byte{certID(c.issuer, c.serial, crypto.SHA1)}}.der())
		response, err := ocsp.ParseResponse(der, c.issuer)
		if err != nil || response.Status != c.want {
			t.Errorf("case %d: %v, %v", n+1, response, err)
		}
	}
}

func TestErrorsOfRFC6960(t *testing.T) {
	i := issuertest.New(t)
	cert := i.Issue(t, pki.PhoneAuth, 0, "")
	id := certID(i.CA.Authority(pki.PhoneAuth), cert.SerialNumber, crypto.SHA1)
	whole := query{ids: [][]byte{id}}.der()
	signed := bytes.Clone(id)
	signed[len(signed)-30] ^= 1 // another issuer's key hash
	many := query{}
	for range 100 {
		many.ids = append(many.ids, id)
	}
	for name, c := range map[string]struct {
		request []byte
		want    byte
	}{
		"nothing":                        {nil, 1},
		"not DER":                        {[]byte("GET / HTTP/1.1"), 1},
		"a byte too many":                {append(bytes.Clone(whole), 0), 1},
		"a byte too few":                 {whole[:len(whole)-1], 1},
		"no certificate":                 {query{}.der(), 1},
		"a hundred certificates":         {many.der(), 1},
		"an empty nonce":                 {query{ids: [][]byte{id}, nonce: []byte{}}.der(), 1},
		"a nonce of 129 octets":          {query{ids: [][]byte{id}, nonce: make([]byte, 129)}.der(), 1},
		"a nonce that is no OCTETSTRING": {query{ids: [][]byte{id}, rawNonce: []byte{2, 1, 1}}.der(), 1},
		"a critical unknown extension":   {query{ids: [][]byte{id}, critical: true}.der(), 1},
		"an issuer that is not ours":     {query{ids: [][]byte{certID(cert, cert.SerialNumber, crypto.SHA1)}}.der(), 6},
		"a changed key hash":             {query{ids: [][]byte{signed}}.der(), 6},
	} {
		got := i.Handler.Responder.Answer(t.Context(), c.request)
		if !bytes.Equal(got, []byte{0x30, 3, 0x0A, 1, c.want}) {
			t.Errorf("%s: %x, not error %d", name, got[:min(8, len(got))], c.want)
		}
	}
	for _, octets := range []int{1, 16, 32, 128} {
		der := i.Handler.Responder.Answer(t.Context(), query{ids: [][]byte{id}, nonce: bytes.Repeat([]byte{7}, octets)}.der())
		if !bytes.Contains(der, bytes.Repeat([]byte{7}, octets)) {
			t.Errorf("a nonce of %d octets is not repeated", octets)
		}
	}
}

// get asks by GET with the path exactly as given.
func get(t *testing.T, i *issuertest.Issuer, path string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", i.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.URL.Opaque = strings.TrimPrefix(i.URL, "http:") + path // sent as it is
	response, err := http.DefaultTransport.RoundTrip(request)      // a redirect would be a failure
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

func TestGETTakesThePathAsItCame(t *testing.T) {
	i := issuertest.New(t)
	cert := i.Issue(t, pki.PhoneAuth, 0, "")
	issuer := i.CA.Authority(pki.PhoneAuth)
	// A nonce of 0xFB 0xEF … and 0xFF … gives "++" and "//" wherever it falls.
	seen := map[string]bool{}
	for _, nonce := range []string{strings.Repeat("\xfb\xef\xbe", 8), strings.Repeat("\xff", 24), "a" + strings.Repeat("\xff", 24), "ab" + strings.Repeat("\xfb\xef\xbe", 8)} {
		text := base64.StdEncoding.EncodeToString(query{ids: [][]byte{certID(issuer, cert.SerialNumber, crypto.SHA1)}, nonce: []byte(nonce)}.der())
		for _, form := range []string{"//", "+"} {
			seen[form] = seen[form] || strings.Contains(text, form)
		}
		for _, path := range []string{text, url.PathEscape(text), url.QueryEscape(text), strings.TrimRight(text, "=")} {
			response, body := get(t, i, "/ocsp/"+path)
			if response.StatusCode != 200 || response.Header.Get("Content-Type") != "application/ocsp-response" {
				t.Fatalf("%s: %s", path, response.Status)
			}
			answer, err := ocsp.ParseResponse(body, issuer)
			if err != nil || answer.Status != ocsp.Good {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if !seen["//"] || !seen["+"] {
		t.Errorf("the forms were not tried: %v", seen)
	}
	if _, body := get(t, i, "/ocsp/!!!"); !bytes.Equal(body, []byte{0x30, 3, 0x0A, 1, 1}) {
		t.Errorf("a path that is no base64: %x", body)
	}
}

func TestCachesAreToldUntilNextUpdate(t *testing.T) {
	i := issuertest.New(t)
	cert := i.Issue(t, pki.PhoneAuth, 0, "")
	issuer := i.CA.Authority(pki.PhoneAuth)
	path := "/ocsp/" + url.PathEscape(base64.StdEncoding.EncodeToString(query{ids: [][]byte{certID(issuer, cert.SerialNumber, crypto.SHA1)}}.der()))
	first, body := get(t, i, path)
	answer, err := ocsp.ParseResponse(body, issuer)
	if err != nil {
		t.Fatal(err)
	}
	if got := first.Header.Get("Cache-Control"); got != "max-age=600, public, no-transform, must-revalidate" {
		t.Errorf("Cache-Control: %s", got)
	}
	if got := first.Header.Get("Expires"); got != answer.NextUpdate.Format(http.TimeFormat) {
		t.Errorf("Expires: %s, nextUpdate %v", got, answer.NextUpdate)
	}
	i.Clock.Walk(4 * time.Minute)
	second, same := get(t, i, path)
	if !bytes.Equal(same, body) || second.Header.Get("ETag") != first.Header.Get("ETag") || !strings.HasPrefix(second.Header.Get("Cache-Control"), "max-age=360,") {
		t.Errorf("an answer made before: %s", second.Header.Get("Cache-Control"))
	}
	i.Clock.Walk(2 * time.Minute)
	if _, fresh := get(t, i, path); bytes.Equal(fresh, body) {
		t.Error("an answer is given again beyond half of its life")
	}
	i.Apply(t, status.Change{Kind: pki.PhoneAuth, Serial: pki.SerialOf(cert), Op: status.Open, Cause: status.Lost})
	if _, after := get(t, i, path); bytes.Equal(after, body) {
		t.Error("an answer is given again after the change")
	}
	nonce := query{ids: [][]byte{certID(issuer, cert.SerialNumber, crypto.SHA1)}, nonce: []byte("0123456789abcdef")}
	response, _ := get(t, i, "/ocsp/"+url.PathEscape(base64.StdEncoding.EncodeToString(nonce.der())))
	if got := response.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("an answer with nonce: %s", got)
	}
}

func TestPOSTIsForOCSPRequestsOnly(t *testing.T) {
	i := issuertest.New(t)
	for media, want := range map[string]int{"application/ocsp-request": 200, "application/x-www-form-urlencoded": 415, "": 415, "text/plain": 415} {
		request, err := http.NewRequestWithContext(t.Context(), "POST", i.URL+"/ocsp", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", media)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%q: %s", media, response.Status)
		}
	}
}

func TestAStoppedResponderIsSilent(t *testing.T) {
	i := issuertest.New(t)
	i.Handler.StopOCSP(true)
	if _, err := http.Get(i.URL + "/ocsp/MAA="); err == nil {
		t.Error("it answers")
	}
	i.Handler.StopOCSP(false)
	response, err := http.Get(i.URL + "/ocsp/MAA=")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

// Millions of askers need no headers of pages, and a cache no more than RFC 5019,
// section 6.2, names.
func TestAnAnswerCarriesWhatCachesNeedAndNothingElse(t *testing.T) {
	i := issuertest.New(t)
	cert := i.Issue(t, pki.PhoneAuth, 0, "")
	der := query{ids: [][]byte{certID(i.CA.Authority(pki.PhoneAuth), cert.SerialNumber, crypto.SHA1)}}.der()
	door := httpd.Guard(httpd.GuardOptions{Names: []string{"127.0.0.1:8401"}}, i.Handler.Routes(nil))
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "http://127.0.0.1:8401/ocsp", bytes.NewReader(der))
	r.Header.Set("Content-Type", "application/ocsp-request")
	door.ServeHTTP(w, r)
	names := slices.Sorted(maps.Keys(w.Header()))
	if want := "Cache-Control Content-Type Date Etag Expires Last-Modified X-Request-Id"; strings.Join(names, " ") != want {
		t.Errorf("it carries %v", names)
	}
}

func TestACacheKeepsNoAnswerBeyondNextUpdate(t *testing.T) {
	i := issuertest.New(t)
	cert := i.Issue(t, pki.PhoneAuth, 0, "")
	der := query{ids: [][]byte{certID(i.CA.Authority(pki.PhoneAuth), cert.SerialNumber, crypto.SHA1)}}.der()
	for _, step := range []struct {
		walk time.Duration
		want string
	}{{0, "max-age=600,"}, {500 * time.Millisecond, "max-age=599,"}, {0, "max-age=599,"}, {500 * time.Millisecond, "max-age=599,"}, {1, "max-age=598,"}} {
		i.Clock.Walk(step.walk)
		answer, err := http.Post(i.URL+"/ocsp", "application/ocsp-request", bytes.NewReader(der))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if got := answer.Header.Get("Cache-Control"); !strings.HasPrefix(got, step.want) {
			t.Errorf("after %v: %s, not %s", i.Clock.Now().Sub(issuertest.Start), got, step.want)
		}
	}
}

// Serial numbers that no authority of ours gives out are unknown, and no reason to
// call a request malformed.
func TestStrangeSerialNumbersAreUnknown(t *testing.T) {
	i := issuertest.New(t)
	i.Issue(t, pki.PhoneAuth, 0, "")
	whole := new(big.Int).Lsh(big.NewInt(0x7f), 120)
	for _, serial := range []*big.Int{big.NewInt(0), big.NewInt(-1), big.NewInt(1), big.NewInt(0x80), whole, new(big.Int).Neg(whole),
		new(big.Int).Lsh(whole, 1), new(big.Int).Lsh(whole, 8), new(big.Int).Rsh(whole, 8)} {
		if r := ask(t, i, pki.PhoneAuth, serial, crypto.SHA256); r.Status != ocsp.Unknown || r.SerialNumber.Cmp(serial) != 0 {
			t.Errorf("%x: status %d of %x", serial, r.Status, r.SerialNumber)
		}
	}
}
