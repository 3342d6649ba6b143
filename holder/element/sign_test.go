package element_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/holder/element"
	"tegata/internal/attest"
	"tegata/internal/ceremony"
	"tegata/internal/cms"
	"tegata/internal/jws"
	"tegata/internal/pades"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
	"tegata/internal/xades"
)

func request() string { return jws.Hash("request") }

func answer() ceremony.Answer {
	return ceremony.Answer{Audience: "verifier", Request: request(), Nonce: ceremony.NewID(), Decision: ceremony.Approve}
}

func TestAnswersSayHowTheyWereUnlocked(t *testing.T) {
	b := newBench(t)
	b.enrol()
	last := b.el.Counter()
	for _, c := range []struct {
		name string
		u    element.Unlock
		amr  []string
		kind pki.Kind
	}{
		{"under the PIN", element.Unlock{PIN: pin(t, "4826")}, []string{"pin", "swk", "mfa"}, pki.PhoneAuth},
		{"under the password", element.Unlock{Password: password(t, "Tegata26")}, []string{"pwd", "swk", "mfa"}, pki.PhoneSign},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := b.el.Unlock(c.u)
			if err != nil {
				t.Fatal(err)
			}
			rel, err := s.Release(ceremony.Release{Verifier: "verifier", Claims: []string{"name"}, Request: request(), Expires: b.now.Add(time.Minute).Unix()})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Release(ceremony.Release{Verifier: "verifier", Claims: []string{"name"}, Request: jws.Hash("other"), Expires: b.now.Add(time.Minute).Unix()}); !errors.Is(err, element.ErrSession) {
				t.Errorf("release for another request: %v", err)
			}
			a := answer()
			a.Release = rel
			a.AMR, a.Counter, a.IssuedAt = []string{"user"}, 1, 1 // the element's to say, not ours
			compact, err := s.Answer(a)
			if err != nil {
				t.Fatal(err)
			}
			m, err := ceremony.ParseAnswer(compact)
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.Verify()
			if err != nil {
				t.Fatal(err)
			}
			der, _ := b.el.Certificate(c.kind)
			if m.Algorithm() != jws.PS256 || !bytes.Equal(m.Chain()[0].Raw, der) {
				t.Errorf("signed with %s by %s", m.Algorithm(), m.Chain()[0].Subject)
			}
			if !slices.Equal(got.AMR, c.amr) || got.IssuedAt != b.now.Unix() || got.Counter <= last {
				t.Errorf("got %+v", got)
			}
			last = got.Counter
			if _, err := s.Answer(answer()); !errors.Is(err, element.ErrSession) {
				t.Errorf("a second answer under one secret: %v", err)
			}
		})
	}
	if !b.el.LastUnlock().Equal(b.now) {
		t.Errorf("last unlock %v", b.el.LastUnlock())
	}
}

func TestASessionEndsByItself(t *testing.T) {
	b := newBench(t)
	b.enrol()
	s, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")})
	if err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(61 * time.Second)
	if _, err := s.Answer(answer()); !errors.Is(err, element.ErrSession) {
		t.Errorf("after a minute: %v", err)
	}
}

// Each key signs what is its own, and nothing else is reachable.
func TestDomainsAreSeparate(t *testing.T) {
	b := newBench(t)
	b.enrol()
	if _, err := b.el.DeviceKey([]byte("c")); err != nil {
		t.Fatal(err)
	}
	for _, typ := range []string{"tegata-answer+jwt", "tegata-release+jwt", "tegata-request+jwt", "JWT", ""} {
		if _, err := b.el.SignStep(typ, map[string]string{"aud": "x"}, nil); !errors.Is(err, element.ErrType) {
			t.Errorf("the device key signed %q: %v", typ, err)
		}
	}
	if _, err := b.el.SignStep(element.TypeEnrolment, "no object", nil); err == nil {
		t.Error("the device key signed something that is no object")
	}
	s, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")})
	if err != nil {
		t.Fatal(err)
	}
	for name, sign := range documents(s) {
		if _, err := sign([]byte("<content>x</content>")); !errors.Is(err, element.ErrWrongKind) {
			t.Errorf("the authentication key signed a document (%s): %v", name, err)
		}
	}
	// Over a tap nothing opens: no VERIFY, no signature, no file.
	for _, apdu := range []string{
		"00A4040C0AD392F0002601000000 01", "00200080", "0020008004 34383236", "802A008001 00 00", "00B0000000",
	} {
		raw := hexBytes(t, strings.ReplaceAll(apdu, " ", ""))
		if got := b.el.Card().Transmit(raw); len(got) != 2 || bytes.Equal(got, []byte{0x90, 0x00}) {
			t.Errorf("%s answered %X", apdu, got)
		}
	}
	if b.el.Tries(element.PIN) != 3 {
		t.Error("a tap cost a try")
	}
}

func hexBytes(t *testing.T, s string) []byte {
	t.Helper()
	n, ok := new(big.Int).SetString("01"+s, 16)
	if !ok {
		t.Fatal(s)
	}
	return n.Bytes()[1:]
}

type checkIn struct {
	Aud          string `json:"aud"`
	IAT          int64  `json:"iat"`
	Ctr          uint64 `json:"ctr"`
	LastUnlock   int64  `json:"last_unlock"`
	ResetCounter uint64 `json:"reset_counter"`
	VerifiedBoot string `json:"verified_boot"`
	DeviceLocked bool   `json:"device_locked"`
}

func TestCheckInsAreTheElementsOwnAccount(t *testing.T) {
	b := newBench(t)
	b.enrol()
	chain, err := b.el.DeviceKey([]byte("enrolment"))
	if err != nil {
		t.Fatal(err)
	}
	want := attest.Expectation{Challenge: []byte("enrolment"), Type: attest.P256}
	_, key, err := attest.Verify(chain, b.trust, want, b.now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")}); err != nil {
		t.Fatal(err)
	}
	unlocked := b.now
	b.now = b.now.Add(48 * time.Hour)
	lie := checkIn{Aud: "issuer", LastUnlock: b.now.Unix(), ResetCounter: 7, Ctr: 1 << 40}
	compact, err := b.el.SignStep(element.TypeCheckIn, lie, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := jws.Parse[checkIn](jws.Kind{Typ: element.TypeCheckIn, Algs: []jose.SignatureAlgorithm{jws.ES256}, MaxBytes: 1 << 16, Bare: true}, compact)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.VerifyWith(key)
	if err != nil {
		t.Fatal(err)
	}
	if got.LastUnlock != unlocked.Unix() || got.ResetCounter != 0 || got.Ctr != b.el.Counter() || got.IAT != b.now.Unix() || got.VerifiedBoot != "verified" || !got.DeviceLocked {
		t.Errorf("got %+v", got)
	}
}

func TestOpenSSLAcceptsWhatThePhoneSigns(t *testing.T) {
	openssl := pkitest.Tool(t, "openssl")
	b := newBench(t)
	b.enrol()
	s, err := b.el.Unlock(element.Unlock{Password: password(t, "TEGATA26")})
	if err != nil {
		t.Fatal(err)
	}
	content := []byte("I agree.\n")
	der, err := s.CMS(content, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cms.Verify(der, content); err != nil {
		t.Error(err)
	}
	compact, err := s.Answer(answer())
	if err != nil {
		t.Fatal(err)
	}
	m, err := ceremony.ParseAnswer(compact)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	if got := m.Unverified().Results; len(got) != 1 || got[0] != base64.RawURLEncoding.EncodeToString(sum[:]) {
		t.Errorf("the answer names %v", got)
	}
	_, root := b.el.Certificate(pki.PhoneSign)
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"d.p7s": der, "d": content, "ca.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(openssl, "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "d.p7s", "-content", "d", "-CAfile", "ca.pem", "-attime", "1795340000", "-out", os.DevNull)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("openssl: %v\n%s", err, out)
	}
}

func TestAResetLeavesNothingButTheCounters(t *testing.T) {
	b := newBench(t)
	b.enrol()
	if _, err := b.el.DeviceKey([]byte("c")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.el.LockCode(bytes.Repeat([]byte{1}, 16), secret.TestCost()); err != nil {
		t.Fatal(err)
	}
	id, tag, ctr := b.el.ID(), b.el.Tag(), b.el.Counter()
	if err := b.el.Reset(); err != nil {
		t.Fatal(err)
	}
	b.restart()
	if b.el.ID() != id || b.el.Tag() != tag || len(tag) != 8 || b.el.ResetCounter() != 1 || b.el.Counter() <= ctr {
		t.Errorf("id %x tag %s resets %d ctr %d", b.el.ID(), b.el.Tag(), b.el.ResetCounter(), b.el.Counter())
	}
	if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")}); !errors.Is(err, element.ErrNoKeys) {
		t.Errorf("unlock after a reset: %v", err)
	}
	if _, err := b.el.SignStep(element.TypeEnrolment, map[string]string{}, nil); !errors.Is(err, element.ErrNoKeys) {
		t.Errorf("step after a reset: %v", err)
	}
	if _, err := b.el.ShowLockCode(); !errors.Is(err, element.ErrNoLockCode) {
		t.Errorf("lock code after a reset: %v", err)
	}
}

// A second registration on the same phone: the pair in use works until the new
// one is written.
func TestTheOldPairWorksUntilTheNewOneIsWritten(t *testing.T) {
	b := newBench(t)
	b.enrol()
	if err := b.el.SetSecrets(pin(t, "7391"), password(t, "NEWWORD9")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.el.GenerateKeys([]byte("second")); err != nil {
		t.Fatal(err)
	}
	b.restart()
	if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")}); err != nil {
		t.Errorf("old PIN: %v", err)
	}
	old, oldCA := b.el.Certificate(pki.PhoneAuth)
	if err := b.el.WriteCertificates(
		map[pki.Kind][]byte{pki.PhoneAuth: old, pki.PhoneSign: old}, map[pki.Kind][]byte{pki.PhoneAuth: oldCA, pki.PhoneSign: oldCA},
	); !errors.Is(err, element.ErrNotOurs) {
		t.Errorf("certificates of other keys: %v", err)
	}
	b.enrol() // the same secrets as the first time, other keys
	if now, _ := b.el.Certificate(pki.PhoneAuth); bytes.Equal(now, old) {
		t.Error("the new certificate is not in use")
	}
}

func TestTheLockCodeIsShownUntilItIsNoted(t *testing.T) {
	b := newBench(t)
	salt := bytes.Repeat([]byte{7}, 16)
	v, err := b.el.LockCode(salt, secret.TestCost())
	if err != nil {
		t.Fatal(err)
	}
	b.restart()
	again, err := b.el.LockCode(salt, secret.TestCost())
	if err != nil || !bytes.Equal(again.Hash, v.Hash) {
		t.Errorf("another verifier after a restart (%v)", err)
	}
	code, err := b.el.ShowLockCode()
	if err != nil || !v.Matches(code) {
		t.Errorf("the code shown is not the one verified (%v)", err)
	}
	if err := b.el.ForgetLockCode(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.el.ShowLockCode(); !errors.Is(err, element.ErrNoLockCode) {
		t.Errorf("got %v", err)
	}
}

// documents are the ways to sign a document in a session.
func documents(s *element.Session) map[string]func([]byte) ([]byte, error) {
	return map[string]func([]byte) ([]byte, error){
		"CMS": func(content []byte) ([]byte, error) { return s.CMS(content, true) }, "PDF": s.PDF, "XML": s.XML,
	}
}

// A document is signed in the session of one request, and in no other.
func TestDocumentsAreSignedInOneSession(t *testing.T) {
	b := newBench(t)
	b.enrol()
	s, err := b.el.Unlock(element.Unlock{Password: password(t, "TEGATA26")})
	if err != nil {
		t.Fatal(err)
	}
	before := b.el.Counter()
	if _, err := s.PDF([]byte("no PDF")); !errors.Is(err, pades.ErrMalformed) {
		t.Errorf("what is no PDF: %v", err)
	}
	if _, err := s.XML([]byte("<a/>")); !errors.Is(err, xades.ErrMeaningless) {
		t.Errorf("XML that says nothing: %v", err)
	}
	signed, err := s.XML([]byte("<a>x</a>"))
	if err != nil {
		t.Fatal(err)
	}
	if b.el.Counter() <= before {
		t.Error("the counter was not raised")
	}
	compact, err := s.Answer(answer())
	if err != nil {
		t.Fatal(err)
	}
	m, err := ceremony.ParseAnswer(compact)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(signed)
	if got := m.Unverified().Results; len(got) != 1 || got[0] != base64.RawURLEncoding.EncodeToString(sum[:]) {
		t.Errorf("what was not signed is named: %v", got)
	}
	for name, sign := range documents(s) {
		if _, err := sign([]byte("<a>x</a>")); !errors.Is(err, element.ErrSession) {
			t.Errorf("%s after the answer: %v", name, err)
		}
	}
}
