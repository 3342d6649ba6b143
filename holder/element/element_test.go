package element_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
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
	"tegata/internal/durable"
	"tegata/internal/jws"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
)

// bench is an element on a workbench: its maker, its directory and its clock.
type bench struct {
	t      *testing.T
	config element.Config
	trust  attest.Trust
	batch  attest.Batch
	hw     attest.Hardware
	el     *element.Element
	now    time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	m, err := attest.NewMaker("Virtual phones (software)", b.now)
	if err != nil {
		t.Fatal(err)
	}
	b.trust = attest.Trust{Roots: []*x509.Certificate{m.Root}, ElementExtension: pki.SandboxArc().ElementExtension()}
	if b.batch, err = m.NewBatch("T-1", b.now); err != nil {
		t.Fatal(err)
	}
	b.hw = attest.Hardware{Level: attest.StrongBox, Brand: "Tegata", Manufacturer: "Sandbox", Model: "T-1", Locked: true}
	dir := t.TempDir()
	if err := secret.CreateKeyFile(durable.Files{}, filepath.Join(dir, "key")); err != nil {
		t.Fatal(err)
	}
	sealer, err := secret.OpenSealer(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	drawn := 0
	b.config = element.Config{
		Dir: filepath.Join(dir, "p1"), Sealer: sealer, Arc: pki.SandboxArc(), Cost: secret.TestCost(),
		Now: func() time.Time { return b.now },
		GenerateKey: func() (*rsa.PrivateKey, error) {
			drawn++
			return pkitest.Key(t, drawn), nil
		},
	}
	if b.el, err = element.Create(b.config, b.hw, b.batch); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.el.Close() })
	return b
}

// restart closes the element and wakes it from its files.
func (b *bench) restart() {
	b.t.Helper()
	if err := b.el.Close(); err != nil {
		b.t.Fatal(err)
	}
	el, err := element.Open(b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	b.el = el
}

func pin(t *testing.T, s string) secret.PIN {
	t.Helper()
	p, err := secret.ParsePIN(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func password(t *testing.T, s string) secret.Password {
	t.Helper()
	p, err := secret.ParsePassword(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// authority issues a certificate over a request.
func authority(t *testing.T, name string, key *rsa.PrivateKey) func(csr []byte) (certificate, authority []byte) {
	t.Helper()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"Tegata Sandbox"}},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return func(csr []byte) ([]byte, []byte) {
		pub, err := attest.ParseCSR(csr)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "holder"},
			NotBefore: root.NotBefore, NotAfter: root.NotAfter,
			KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
		}, parsed, pub, key)
		if err != nil {
			t.Fatal(err)
		}
		return leaf, der
	}
}

// enrol gives the element a pair of keys with PIN 4826 and password TEGATA26.
func (b *bench) enrol() {
	b.t.Helper()
	t := b.t
	if err := b.el.SetSecrets(pin(t, "4826"), password(t, "tegata26")); err != nil {
		t.Fatal(err)
	}
	auth, sign, err := b.el.GenerateKeys([]byte("challenge"))
	if err != nil {
		t.Fatal(err)
	}
	certs, authorities := map[pki.Kind][]byte{}, map[pki.Kind][]byte{}
	certs[pki.PhoneAuth], authorities[pki.PhoneAuth] = authority(t, "auth", pkitest.Key(t, 6))(auth.CSR)
	certs[pki.PhoneSign], authorities[pki.PhoneSign] = authority(t, "sign", pkitest.Key(t, 7))(sign.CSR)
	if err := b.el.WriteCertificates(certs, authorities); err != nil {
		t.Fatal(err)
	}
}

func TestKeysAreProvedAndStaySoOverARestart(t *testing.T) {
	b := newBench(t)
	challenge := []byte("challenge")
	if _, _, err := b.el.GenerateKeys(challenge); !errors.Is(err, element.ErrNoSecrets) {
		t.Errorf("keys without secrets: %v", err)
	}
	if err := b.el.SetSecrets(pin(t, "4826"), password(t, "TEGATA26")); err != nil {
		t.Fatal(err)
	}
	auth, sign, err := b.el.GenerateKeys(challenge)
	if err != nil {
		t.Fatal(err)
	}
	want := attest.Expectation{Challenge: challenge, Type: attest.RSA2048, MinLevel: attest.StrongBox}
	st, first, err := attest.VerifyProof(auth, b.trust, want, b.now)
	if err != nil {
		t.Fatal(err)
	}
	if st.ElementID != b.el.ID() || st.ResetCounter != 0 {
		t.Errorf("statement names element %x", st.ElementID)
	}
	if _, other, err := attest.VerifyProof(sign, b.trust, want, b.now); err != nil || attest.SameKey(first, other) {
		t.Errorf("second key: %v", err)
	}
	b.restart()
	again, _, err := b.el.GenerateKeys(challenge)
	if err != nil {
		t.Fatal(err)
	}
	if _, pub, err := attest.VerifyProof(again, b.trust, want, b.now); err != nil || !attest.SameKey(pub, first) {
		t.Errorf("after a restart: %v", err)
	}
	fresh, _, err := b.el.GenerateKeys([]byte("another"))
	if err != nil {
		t.Fatal(err)
	}
	want.Challenge = []byte("another")
	if _, pub, err := attest.VerifyProof(fresh, b.trust, want, b.now); err != nil || attest.SameKey(pub, first) {
		t.Errorf("another challenge must make other keys: %v", err)
	}
	if b.el.HasKeys() {
		t.Error("keys without certificates are in use")
	}
}

func TestFaultsAreSeen(t *testing.T) {
	b := newBench(t)
	cases := []struct {
		name  string
		hw    func(*attest.Hardware)
		fault element.Fault
		want  error
	}{
		{"another key", nil, element.FaultOtherKey, attest.ErrOtherKey},
		{"an old challenge", nil, element.FaultOldChallenge, attest.ErrOldChallenge},
		{"an exportable key", func(h *attest.Hardware) { h.Exportable = true }, element.NoFault, attest.ErrExportable},
		{"an unlocked phone", func(h *attest.Hardware) { h.Locked = false }, element.NoFault, attest.ErrUnlockedBoot},
		{"software", func(h *attest.Hardware) { h.Level = attest.Software }, element.NoFault, attest.ErrSoftware},
	}
	if _, err := b.el.DeviceKey([]byte("earlier")); err != nil {
		t.Fatal(err)
	}
	if err := b.el.SetSecrets(pin(t, "4826"), password(t, "TEGATA26")); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hw := b.hw
			if c.hw != nil {
				c.hw(&hw)
			}
			if err := b.el.Fit(hw, b.batch, c.fault); err != nil {
				t.Fatal(err)
			}
			auth, _, err := b.el.GenerateKeys([]byte("challenge"))
			if err != nil {
				t.Fatal(err)
			}
			want := attest.Expectation{Challenge: []byte("challenge"), Type: attest.RSA2048}
			if _, _, err := attest.VerifyProof(auth, b.trust, want, b.now); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestWrongSecretsCostTriesAlsoOverARestart(t *testing.T) {
	b := newBench(t)
	b.enrol()
	for i, left := range []int{2, 1} {
		_, err := b.el.Unlock(element.Unlock{PIN: pin(t, "0001")})
		wrong := (*element.SecretError)(nil)
		if !errors.As(err, &wrong) || wrong.TriesLeft != left || wrong.Which != element.PIN || !wrong.Compared {
			t.Fatalf("try %d: %v", i, err)
		}
		b.restart()
		if got := b.el.Tries(element.PIN); got != left {
			t.Fatalf("after a restart %d tries, want %d", got, left)
		}
	}
	if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")}); err != nil {
		t.Fatal(err)
	}
	if got := b.el.Tries(element.PIN); got != 3 {
		t.Errorf("the right PIN left %d tries", got)
	}
	for range 3 {
		_, err := b.el.Unlock(element.Unlock{PIN: pin(t, "0001")})
		if err == nil {
			t.Fatal("wrong PIN passed")
		}
	}
	_, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")})
	if wrong := (*element.SecretError)(nil); !errors.As(err, &wrong) || wrong.TriesLeft != 0 || wrong.Compared {
		t.Errorf("the right PIN of a blocked secret: %v", err)
	}
	if err := b.el.ResetPIN(password(t, "tegata26"), pin(t, "7391")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "7391")}); err != nil {
		t.Errorf("the new PIN: %v", err)
	}
}

// A file put back alone is refused: it would bring tries back.
func TestRollbackIsRefused(t *testing.T) {
	b := newBench(t)
	b.enrol()
	path := filepath.Join(b.config.Dir, "element.sealed")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "0001")}); err == nil {
		t.Fatal("wrong PIN passed")
	}
	b.el.Close()
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := element.Open(b.config); !errors.Is(err, secret.ErrRolledBack) {
		t.Errorf("got %v, want ErrRolledBack", err)
	}
}

func TestOneWriter(t *testing.T) {
	b := newBench(t)
	if _, err := element.Open(b.config); !errors.Is(err, element.ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
}

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
	if _, err := s.CMS([]byte("content"), true); !errors.Is(err, element.ErrWrongKind) {
		t.Errorf("the authentication key signed a document: %v", err)
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
