package profile

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	zrsa "github.com/zmap/zcrypto/rsa"
	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"
	"github.com/zmap/zlint/v3/lints/community"

	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

var (
	operator = Operator{Organization: "Tegata Test", Unit: "Test Operator", Arc: pki.SandboxArc(), BaseURL: "http://127.0.0.1:8401"}
	start    = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
)

// authority makes an issuer with key n of the pool.
func authority(t testing.TB, kind pki.Kind, n int) Issuer {
	t.Helper()
	i := Issuer{Kind: kind, Generation: 1, Algorithm: RSA2048SHA256}
	c := Certificate{Kind: kind, Purpose: Authority, Serial: pki.RandomSerial(), Issuer: i, PublicKey: pkitest.Key(t, n).Public(),
		NotBefore: start, NotAfter: start.Add(AuthorityLifetime)}
	tbs, err := operator.TBS(c)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(tbs)
	signature, err := rsa.SignPKCS1v15(rand.Reader, pkitest.Key(t, n), crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	der, err := Assemble(tbs, RSA2048SHA256, signature)
	if err != nil {
		t.Fatal(err)
	}
	if i.Certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return i
}

// certificate is a draft that the profile of kind allows.
func certificate(t testing.TB, kind pki.Kind) Certificate {
	t.Helper()
	c := Certificate{Kind: kind, Purpose: Holder, Serial: pki.RandomSerial(), Issuer: authority(t, kind, 0),
		PublicKey: pkitest.Key(t, 1).Public(), NotBefore: start, NotAfter: start.AddDate(5, 0, 0)}
	switch {
	case kind == pki.Ops:
		c.PublicKey = pkitest.ECKey(t).Public()
		c.NotAfter = start.AddDate(3, 0, 0)
		c.Party = Party{ID: "verifier", Role: pki.RoleVerifier, Origins: []string{"http://verifier.localhost:8402", "http://127.0.0.1:8402"}}
	case kind.Signature():
		name, address := "髙橋　𠮷雄", strings.Repeat("東京都千代田区一番町二丁目3番地4", 3)
		c.Subject = Subject{Municipality: Municipality{"131016", "東京都", "千代田区"}, Attributes: pki.Attributes{
			Name: name, NameSubstitution: "10010", Sex: "1", BirthDate: "319800217",
			Address: address, AddressSubstitution: pki.NoSubstitution(address)}}
	}
	return c
}

func responder(t *testing.T) Certificate {
	c := certificate(t, pki.CardSign)
	c.Purpose, c.Subject, c.PublicKey, c.NotAfter = Responder, Subject{}, pkitest.ECKey(t).Public(), start.Add(ResponderLifetime)
	return c
}

func timeStamps(t *testing.T) Certificate {
	c := certificate(t, pki.Ops)
	c.Party = Party{ID: "tsa", Role: pki.RoleTSA, Origins: []string{"http://127.0.0.1:8402"}}
	return c
}

// RFC 3161, section 2.3.
func TestATimeStampAuthorityStampsAndDoesNothingElse(t *testing.T) {
	linter, err := NewLinter()
	if err != nil {
		t.Fatal(err)
	}
	c := timeStamps(t)
	tbs, err := operator.TBS(c)
	if err != nil {
		t.Fatal(err)
	}
	use := []byte{0x30, 0x16, 6, 3, 0x55, 0x1D, 0x25, 1, 1, 0xFF, 4, 12, 0x30, 10, 6, 8, 0x2B, 6, 1, 5, 5, 7, 3, 8}
	if !bytes.Contains(tbs, use) {
		t.Errorf("no critical use of time-stamping alone in %x", tbs)
	}
	c.Party.Role = pki.RoleVerifier
	if linter.Check(operator, tbs, c) == nil {
		t.Error("a time-stamp authority's draft passed for a verifier's")
	}
	c = timeStamps(t)
	c.Party.Encryption = true
	if _, err := operator.TBS(c); err == nil {
		t.Error("a time-stamp authority's key was allowed to decrypt")
	}
}

func TestEveryProfilePassesItsOwnChecks(t *testing.T) {
	linter, err := NewLinter()
	if err != nil {
		t.Fatal(err)
	}
	drafts := []Certificate{responder(t)}
	for _, kind := range pki.Kinds() {
		drafts = append(drafts, certificate(t, kind))
	}
	enc := certificate(t, pki.Ops)
	enc.Party.Encryption = true
	for _, c := range append(drafts, enc, timeStamps(t)) {
		tbs, err := operator.TBS(c)
		if err != nil {
			t.Errorf("%s %s: %v", c.Kind, c.Purpose, err)
			continue
		}
		if err := linter.Check(operator, tbs, c); err != nil {
			t.Errorf("%s %s: %v", c.Kind, c.Purpose, err)
		}
	}
}

// A sandbox's authority says in its certificate what it is, and one that should say
// so and does not, or the reverse, is no draft of its operator's.
func TestASandboxsAuthoritiesAreMarked(t *testing.T) {
	linter, err := NewLinter()
	if err != nil {
		t.Fatal(err)
	}
	c := Certificate{Kind: pki.CardSign, Purpose: Authority, Serial: pki.RandomSerial(), Issuer: Issuer{Kind: pki.CardSign, Generation: 1, Algorithm: RSA2048SHA256},
		PublicKey: pkitest.Key(t, 0).Public(), NotBefore: start, NotAfter: start.Add(AuthorityLifetime)}
	marked := operator
	marked.Sandbox = true
	for _, o := range []Operator{operator, marked} {
		tbs, err := o.TBS(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := linter.Check(o, tbs, c); err != nil {
			t.Errorf("sandbox %t: %v", o.Sandbox, err)
		}
		other := o
		other.Sandbox = !o.Sandbox
		if linter.Check(other, tbs, c) == nil {
			t.Errorf("sandbox %t: a draft of the other side passed", o.Sandbox)
		}
	}
}

// Every changed byte of a draft is noticed, unless it lies in what is drawn at
// random: the common name and the UUID.
func TestAChangedByteOfADraftIsNoticed(t *testing.T) {
	linter, err := NewLinter()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []pki.Kind{pki.PhoneSign, pki.PhoneAuth, pki.Ops} {
		c := certificate(t, kind)
		if kind == pki.PhoneSign {
			c.Subject.Attributes.Address, c.Subject.Attributes.AddressSubstitution = "京都府", "000" // fewer bytes to change
		}
		tbs, err := operator.TBS(c)
		if err != nil {
			t.Fatal(err)
		}
		free, unnoticed := 0, []byte(nil)
		for n := range tbs {
			changed := bytes.Clone(tbs)
			changed[n] ^= 1 << (n % 8)
			if linter.Check(operator, changed, c) == nil {
				free++
				unnoticed = append(unnoticed, tbs[n])
			}
		}
		// 26 characters of time, sequence and office; 26 random ones and 36 of a UUID; and
		// single bits that turn one string type into another.
		if limit := map[pki.Kind]int{pki.PhoneSign: 32, pki.PhoneAuth: 64, pki.Ops: 6}[kind]; free > limit {
			t.Errorf("%s: %d changed bytes were not noticed, more than the %d that are free: %q", kind, free, limit, unnoticed)
		}
	}
}

func TestWebServersAreToldToRefuseASignatureCertificateAtALogin(t *testing.T) {
	for _, kind := range []pki.Kind{pki.CardSign, pki.PhoneSign} {
		c := certificate(t, kind)
		cert := parse(t, c)
		pool := x509.NewCertPool()
		pool.AddCert(c.Issuer.Certificate)
		verify := func(use x509.ExtKeyUsage) error {
			_, err := cert.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: start.Add(time.Hour), KeyUsages: []x509.ExtKeyUsage{use}})
			return err
		}
		if err := verify(x509.ExtKeyUsageEmailProtection); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		var invalid x509.CertificateInvalidError
		if err := verify(x509.ExtKeyUsageClientAuth); !errors.As(err, &invalid) || invalid.Reason != x509.IncompatibleUsage {
			t.Errorf("%s at a login: %v", kind, err)
		}
	}
}

// parse signs c with its authority's key and parses the result.
func parse(t *testing.T, c Certificate) *x509.Certificate {
	t.Helper()
	tbs, err := operator.TBS(c)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(tbs)
	signature, err := rsa.SignPKCS1v15(rand.Reader, pkitest.Key(t, 0), crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	der, err := Assemble(tbs, c.Issuer.Algorithm, signature)
	if err != nil {
		t.Fatal(err)
	}
	if der[0] != 0x30 || der[1] != 0x82 {
		t.Errorf("%s: the card needs a certificate that starts 30 82, not %x", c.Kind, der[:2])
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestAnAuthenticationCertificateSaysNothingAboutThePerson(t *testing.T) {
	c := certificate(t, pki.PhoneAuth)
	a, b := parse(t, c), parse(t, c)
	if len(a.Subject.Names) != 2 || a.Subject.CommonName == b.Subject.CommonName || len(a.Subject.CommonName) < 20 {
		t.Errorf("the subject is %q, then %q", a.Subject, b.Subject)
	}
	if a.URIs[0].String() == b.URIs[0].String() {
		t.Error("the UUID is not random")
	}
	if want := "/crl/phone-auth/" + c.Serial.String()[:2] + ".crl"; !strings.HasSuffix(a.CRLDistributionPoints[0], want) {
		t.Errorf("the partition is %s: it must not tell where a person lives", a.CRLDistributionPoints[0])
	}
}

func TestASignatureCertificateCarriesTheSixAttributesInOrder(t *testing.T) {
	c := certificate(t, pki.PhoneSign)
	cert := parse(t, c)
	attributes, err := pki.ParseAttributes(operator.Arc, cert)
	if err != nil || attributes != c.Subject.Attributes {
		t.Errorf("%+v, %v", attributes, err)
	}
	var previous int
	for _, n := range []byte{1, 4, 3, 5, 2, 6} { // 2.999.5.n is 88 37 05 n
		at := bytes.Index(cert.Raw, []byte{6, 4, 0x88, 0x37, 5, n})
		if at < previous {
			t.Errorf("attribute %d is out of order", n)
		}
		previous = at
	}
	if !strings.HasPrefix(cert.Subject.CommonName, "20261122090000") || !strings.HasSuffix(cert.Subject.CommonName, "131016") {
		t.Errorf("the common name is not time, sequence and office: %s", cert.Subject.CommonName)
	}
	if want := operator.BaseURL + "/crl/phone-sign/131016.crl"; cert.CRLDistributionPoints[0] != want {
		t.Errorf("the partition is %s", cert.CRLDistributionPoints[0])
	}
}

func TestCriticalExtensions(t *testing.T) {
	for _, kind := range pki.Kinds() {
		var critical []string
		for _, e := range parse(t, certificate(t, kind)).Extensions {
			if e.Critical {
				critical = append(critical, e.Id.String())
			}
		}
		if got := strings.Join(critical, " "); got != "2.5.29.15 2.5.29.32" {
			t.Errorf("%s: critical are %s, not key usage and policies", kind, got)
		}
	}
}

func TestWeakKeysAreRefused(t *testing.T) {
	good := pkitest.Key(t, 1).PublicKey
	even := new(big.Int).Sub(good.N, big.NewInt(1))
	small := new(big.Int).Lsh(big.NewInt(751), 2038) // 751 times a power of two, made odd and of 2048 bits
	small.Add(small, big.NewInt(751))
	for name, key := range map[string]*rsa.PublicKey{
		"exponent 3":                {N: good.N, E: 3},
		"1024 bits":                 {N: new(big.Int).Rsh(good.N, 1024), E: 65537},
		"an even modulus":           {N: even, E: 65537},
		"a factor of 751":           {N: small, E: 65537},
		"no modulus":                {E: 65537},
		"a modulus of 3072 bits":    {N: new(big.Int).Lsh(good.N, 1024), E: 65537},
		"the modulus one too long":  {N: new(big.Int).Lsh(good.N, 1), E: 65537},
		"a prime and the one after": {N: beside(pkitest.Key(t, 1).Primes[0], 1), E: 65537},
		"primes with equal halves":  {N: beside(pkitest.Key(t, 1).Primes[0], 500), E: 65537},
		"a prime twice":             {N: new(big.Int).Mul(pkitest.Key(t, 1).Primes[0], pkitest.Key(t, 1).Primes[0]), E: 65537},
	} {
		if checkRSA(key) == nil {
			t.Errorf("%s: was accepted", name)
		}
	}
	if err := checkRSA(&good); err != nil {
		t.Error(err)
	}
}

// beside is p times an odd number that differs from it by about 2^bits: whether
// that one is prime makes no difference to Fermat.
func beside(p *big.Int, bits uint) *big.Int {
	q := new(big.Int).Add(p, new(big.Int).Lsh(big.NewInt(1), bits))
	return q.Mul(q, p)
}

// zlint's own lint is the measure: both find the same pairs close, on both sides of
// the bound.
func TestClosePrimesAreThoseThatZlintFinds(t *testing.T) {
	found := map[bool]int{}
	for bits := uint(500); bits < 530; bits++ {
		n := beside(pkitest.Key(t, 1).Primes[0], bits)
		key := &zrsa.PublicKey{N: n, E: big.NewInt(65537)}
		result := community.NewFermatFactorization().Execute(&zx509.Certificate{PublicKey: key})
		if got, want := closePrimes(n), result.Status == lint.Error; got != want {
			t.Errorf("primes that differ in bit %d: close %t, zlint says %t", bits, got, want)
		}
		found[closePrimes(n)]++
	}
	if found[true] == 0 || found[false] == 0 {
		t.Errorf("the bound lies elsewhere: %v", found)
	}
}

func TestLabels(t *testing.T) {
	for _, text := range []string{"card-sign", "phone-auth-2", "ops-17"} {
		k, n, err := ParseLabel(text)
		if err != nil || Label(k, n) != text {
			t.Errorf("%s: %s %d %v", text, k, n, err)
		}
	}
	for _, text := range []string{"", "card", "card-sign-1", "card-sign-02", "card-sign-", "card-sign--2", "root", "card-sign-2-3", "card-sign-999999"} {
		if _, _, err := ParseLabel(text); err == nil {
			t.Errorf("%q was taken for an authority", text)
		}
	}
}

func TestAnOperatorNeedsAnOrigin(t *testing.T) {
	for _, base := range []string{"", "issuer.example", "http://issuer.example/ca", "ftp://issuer.example", "http://"} {
		o := operator
		o.BaseURL = base
		if o.Check() == nil {
			t.Errorf("%q was taken for an origin", base)
		}
	}
}

// What zlint itself would say of a draft is what the Linter says, lint by lint.
func TestTheLinterLeavesNothingOutThatZlintSays(t *testing.T) {
	linter, err := NewLinter()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := lint.GlobalRegistry().Filter(lint.FilterOptions{
		IncludeSources: lint.SourceList{lint.RFC5280, lint.RFC5480, lint.Community}, ExcludeNames: notOurs})
	if err != nil {
		t.Fatal(err)
	}
	tbs, err := operator.TBS(certificate(t, pki.PhoneSign))
	if err != nil {
		t.Fatal(err)
	}
	failing := 0
	for n := range tbs {
		changed := bytes.Clone(tbs)
		changed[n] ^= 1 << (n % 8)
		der, err := Assemble(changed, RSA2048SHA256, linter.signature)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := zx509.ParseCertificate(der)
		if err != nil {
			continue
		}
		var want []string
		for name, result := range zlint.LintCertificateEx(parsed, rules).Results {
			if result.Status >= lint.Warn {
				want = append(want, strings.TrimSpace(name+" "+result.Details))
			}
		}
		slices.Sort(want)
		var got *LintError
		if err := linter.lint(der); err != nil && !errors.As(err, &got) {
			t.Errorf("octet %d: %v", n, err)
		} else if got == nil && len(want) > 0 || got != nil && !slices.Equal(got.Failed, want) {
			t.Errorf("octet %d: %v, zlint says %q", n, got, want)
		}
		if len(want) > 0 {
			failing++
		}
	}
	if failing < 20 {
		t.Errorf("only %d of the drafts failed a lint", failing)
	}
}

// The measured ratios are `tegata bench`'s; these find what became slower.

func BenchmarkCheck(b *testing.B) {
	linter, err := NewLinter()
	if err != nil {
		b.Fatal(err)
	}
	c := certificate(b, pki.PhoneSign)
	tbs, err := operator.TBS(c)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := linter.Check(operator, tbs, c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTBS(b *testing.B) {
	c := certificate(b, pki.PhoneSign)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := operator.TBS(c); err != nil {
			b.Fatal(err)
		}
	}
}
