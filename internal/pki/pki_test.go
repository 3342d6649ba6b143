package pki_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

func TestSerialsArePositiveAndAlwaysSixteenOctets(t *testing.T) {
	seen := map[pki.Serial]bool{}
	for range 1000 {
		s := pki.RandomSerial()
		der, err := asn1.Marshal(s.Big())
		if err != nil || len(der) != 2+16 || s.Big().Sign() <= 0 {
			t.Fatalf("serial %s encodes as %x", s, der)
		}
		back, err := pki.ParseSerial(s.String())
		if err != nil || back != s || seen[s] {
			t.Fatalf("serial %s does not come back, or came twice", s)
		}
		seen[s] = true
	}
}

func TestAStrangersSerialDoesNotFit(t *testing.T) {
	for _, n := range []*big.Int{nil, big.NewInt(0), big.NewInt(-5), new(big.Int).Lsh(big.NewInt(1), 128)} {
		if _, ok := pki.SerialFromBig(n); ok {
			t.Errorf("%v was taken for a serial of ours", n)
		}
	}
}

var hanako = pki.Attributes{
	Name: "手形　花子", NameSubstitution: "00000", Sex: "2", BirthDate: "319800217",
	Address: "東京都見本区一丁目2番3号", AddressSubstitution: "0000000000000",
}

func certificateWith(t *testing.T, san []byte) *x509.Certificate {
	t.Helper()
	key := pkitest.Key(t, 0)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<31, 0),
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: san}},
	}, &x509.Certificate{}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAttributesComeBackFromACertificate(t *testing.T) {
	san, err := pki.MarshalAttributes(pki.SandboxArc(), hanako)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pki.ParseAttributes(pki.SandboxArc(), certificateWith(t, san))
	if err != nil || got != hanako {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := pki.ParseAttributes(pki.Arc{1, 2}, certificateWith(t, san)); !errors.Is(err, pki.ErrNoAttributes) {
		t.Fatalf("attributes of another arc were read: %v", err)
	}
}

// The exact layout that readers of such cards parse: [0]{OID, [0]{UTF8String}}.
func TestAttributesHaveThePublishedLayout(t *testing.T) {
	a := hanako
	a.Name, a.NameSubstitution = "A", "0"
	san, err := pki.MarshalAttributes(pki.SandboxArc(), a)
	if err != nil {
		t.Fatal(err)
	}
	const first = "a00b" + "0604" + "88370501" + "a003" + "0c0141"
	if got := hex.EncodeToString(san[3 : 3+13]); got != first {
		t.Fatalf("first otherName is %s, want %s", got, first)
	}
}

func TestWrongAttributesAreRefused(t *testing.T) {
	for name, change := range map[string]func(*pki.Attributes){
		"no name":                         func(a *pki.Attributes) { a.Name, a.NameSubstitution = "", "" },
		"a sex that is none":              func(a *pki.Attributes) { a.Sex = "3" },
		"a day that is none":              func(a *pki.Attributes) { a.BirthDate = "319800231" },
		"the era of another time":         func(a *pki.Attributes) { a.BirthDate = "419800217" },
		"a map of another length":         func(a *pki.Attributes) { a.NameSubstitution = "0" },
		"a map of letters":                func(a *pki.Attributes) { a.NameSubstitution = "0000x" },
		"bytes that are not UTF-8":        func(a *pki.Attributes) { a.Name = "\xff" },
		"an address as long as a chapter": func(a *pki.Attributes) { a.Address = string(make([]byte, 2000)) },
	} {
		t.Run(name, func(t *testing.T) {
			a := hanako
			change(&a)
			if _, err := pki.MarshalAttributes(pki.SandboxArc(), a); err == nil {
				t.Fatal("taken")
			}
		})
	}
}

// Flipping any byte must never panic, and never yield other attributes silently
// malformed: whatever parses passes Check.
func TestTamperedAttributesNeverPanic(t *testing.T) {
	san, err := pki.MarshalAttributes(pki.SandboxArc(), hanako)
	if err != nil {
		t.Fatal(err)
	}
	for i := range san {
		for _, bit := range []byte{1, 0x80} {
			changed := append([]byte(nil), san...)
			changed[i] ^= bit
			c := &x509.Certificate{Extensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: changed}}}
			if a, err := pki.ParseAttributes(pki.SandboxArc(), c); err == nil && a.Check() != nil {
				t.Fatalf("byte %d changed: parsed but does not pass its own check", i)
			}
		}
	}
}

func TestErasAndAges(t *testing.T) {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	for _, tt := range []struct {
		birth time.Time
		want  string
	}{
		{day(2019, 5, 1), "520190501"}, {day(2019, 4, 30), "420190430"}, {day(1989, 1, 8), "419890108"},
		{day(1989, 1, 7), "319890107"}, {day(1926, 12, 24), "219261224"}, {day(1912, 7, 29), "119120729"},
	} {
		if got := pki.EraBirthDate(tt.birth); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.birth, got, tt.want)
		}
	}
	birth := day(2011, 11, 22)
	// 2026-11-22 begins in Japan at 15:00 UTC of the day before.
	if got := pki.Age(birth, time.Date(2026, 11, 21, 14, 59, 59, 0, time.UTC)); got != 14 {
		t.Errorf("the day before: age %d, want 14", got)
	}
	if got := pki.Age(birth, time.Date(2026, 11, 21, 15, 0, 0, 0, time.UTC)); got != 15 {
		t.Errorf("the birthday in Japan: age %d, want 15", got)
	}
	if got := pki.EraDate(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)); got != "令和8年11月22日（2026-11-22）" {
		t.Errorf("got %s", got)
	}
	if got := pki.EraDate(time.Date(2019, 6, 1, 0, 0, 0, 0, time.UTC)); got != "令和元年6月1日（2019-06-01）" {
		t.Errorf("got %s", got)
	}
}

func TestNamesKeepTheirOrderAndTheirRDNs(t *testing.T) {
	der, err := pki.Name(pki.RDN{Type: pki.OIDCountry, Value: "JP"}, pki.RDN{Type: pki.OIDOrganization, Value: "Tegata Sandbox"},
		pki.RDN{Type: pki.OIDOrganizationalUnit, Value: "for user authentication"}, pki.RDN{Type: pki.OIDOrganizationalUnit, Value: "operator"})
	if err != nil {
		t.Fatal(err)
	}
	var sequence pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &sequence); err != nil || len(rest) > 0 || len(sequence) != 4 {
		t.Fatalf("got %v, %v; want 4 RDNs", sequence, err)
	}
	if _, err := pki.Name(pki.RDN{Type: pki.OIDCountry, Value: "Japan"}); err == nil {
		t.Error("a country of five letters was taken")
	}
}

func TestPoliciesAndRolesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range pki.Kinds() {
		seen[pki.SandboxArc().Policy(k).String()] = true
	}
	for _, r := range pki.Roles() {
		seen[pki.SandboxArc().Role(r).String()] = true
	}
	if len(seen) != len(pki.Kinds())+len(pki.Roles()) || !seen["2.999.1.4"] || !seen["2.999.6.1"] {
		t.Fatalf("got %v", seen)
	}
	for text, ok := range map[string]bool{"2.999": true, "1.2.392.99": true, "3.1": false, "1.40": false, "x": false, "1": false, "1..2": false} {
		if _, err := pki.ParseArc(text); (err == nil) != ok {
			t.Errorf("arc %q: %v", text, err)
		}
	}
}
