package certpath_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"testing"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func TestWhatALeafMustBe(t *testing.T) {
	arc := pki.SandboxArc()
	first := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 0), now)
	second := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 1), now) // another generation of the same name
	other := pkitest.NewAuthority(t, pki.CardAuth, pkitest.Key(t, 2), now)
	ops := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 3), now)
	pub := pkitest.Key(t, 4).Public()
	auth := certpath.For(arc, pki.PhoneAuth)
	unknown := pkix.Extension{Id: asn1.ObjectIdentifier{2, 999, 99}, Critical: true, Value: []byte{5, 0}}
	mapping := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 33}, Value: []byte{0x30, 0}}
	cases := []struct {
		name    string
		leaf    *x509.Certificate
		purpose certpath.Purpose
		at      time.Time
		want    error
	}{
		{"a good one passes", first.Issue(t, pub, pkitest.Leaf{}), auth, now, nil},
		{"the younger generation of the same name is found by its key", second.Issue(t, pub, pkitest.Leaf{}), auth, now, nil},
		{"another authority's is no path", other.Issue(t, pub, pkitest.Leaf{}), auth, now, certpath.ErrNoPath},
		{"another policy under the right authority is refused",
			first.Issue(t, pub, pkitest.Leaf{Policy: arc.Policy(pki.PhoneSign)}), auth, now, certpath.ErrPolicy},
		{"anyPolicy in a leaf is not the policy", first.Issue(t, pub, pkitest.Leaf{Policy: certpath.AnyPolicy}), auth, now, certpath.ErrPolicy},
		{"key usage is demanded", first.Issue(t, pub, pkitest.Leaf{KeyUsage: x509.KeyUsageKeyEncipherment}), auth, now, certpath.ErrUsage},
		{"clientAuth is demanded of an authentication certificate",
			first.Issue(t, pub, pkitest.Leaf{ExtUsage: []asn1.ObjectIdentifier{arc.Role(pki.RoleParty)}}), auth, now, certpath.ErrUsage},
		{"an unknown critical extension is refused", first.Issue(t, pub, pkitest.Leaf{Extra: []pkix.Extension{unknown}}), auth, now, certpath.ErrExtension},
		{"policy mappings are refused even when not critical", first.Issue(t, pub, pkitest.Leaf{Extra: []pkix.Extension{mapping}}), auth, now, certpath.ErrExtension},
		{"an authority is no end entity", first.Issue(t, pub, pkitest.Leaf{CA: true}), auth, now, certpath.ErrUsage},
		{"expired is said apart", first.Issue(t, pub, pkitest.Leaf{NotAfter: now.Add(-time.Second)}), auth, now, certpath.ErrExpired},
		{"the last second counts", first.Issue(t, pub, pkitest.Leaf{NotAfter: now}), auth, now, nil},
		{"not valid yet", first.Issue(t, pub, pkitest.Leaf{NotBefore: now.Add(time.Second)}), auth, now, certpath.ErrNotYetValid},
		{"an expired authority is no path", first.Issue(t, pub, pkitest.Leaf{}), auth, now.AddDate(5, 0, 1), certpath.ErrNoPath},
		{"a party in its role", ops.Party(t, pub, "portal", pki.RoleParty, pkitest.Leaf{}), certpath.ForRole(arc, pki.RoleParty), now, nil},
		{"a party is no verifier", ops.Party(t, pub, "portal", pki.RoleParty, pkitest.Leaf{}), certpath.ForRole(arc, pki.RoleVerifier), now, certpath.ErrUsage},
		{"a signing key is not for encryption", ops.Party(t, pub, "v", pki.RoleVerifier, pkitest.Leaf{}), certpath.ForEncryption(arc), now, certpath.ErrUsage},
	}
	roots := []*x509.Certificate{first.Cert, second.Cert, ops.Cert}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path, err := certpath.Validate(c.leaf, nil, roots, c.purpose, c.at)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if c.want == nil && (len(path) != 2 || !path[0].Equal(c.leaf)) {
				t.Errorf("path of %d certificates", len(path))
			}
		})
	}
	if _, err := certpath.Validate(cases[0].leaf, nil, roots, certpath.Purpose{}, now); err == nil {
		t.Error("a purpose without a policy was accepted")
	}
}

func TestACertificateInTheMiddle(t *testing.T) {
	root := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 0), now) // pathLen 0
	middle := root.Issue(t, pkitest.Key(t, 1).Public(), pkitest.Leaf{CN: "middle", CA: true, KeyUsage: x509.KeyUsageCertSign})
	under := pkitest.Authority{Kind: pki.PhoneAuth, Cert: middle, Key: pkitest.Key(t, 1)}
	leaf := under.Issue(t, pkitest.Key(t, 2).Public(), pkitest.Leaf{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)})
	_, err := certpath.Validate(leaf, []*x509.Certificate{middle}, []*x509.Certificate{root.Cert}, certpath.For(pki.SandboxArc(), pki.PhoneAuth), now)
	if !errors.Is(err, certpath.ErrNoPath) {
		t.Errorf("an authority with pathLen 0 had another below it: %v", err)
	}
	_, err = certpath.Validate(leaf, nil, []*x509.Certificate{middle}, certpath.For(pki.SandboxArc(), pki.PhoneAuth), now)
	if err != nil {
		t.Errorf("a root need not be self-signed: %v", err)
	}
	endEntity := root.Issue(t, pkitest.Key(t, 1).Public(), pkitest.Leaf{})
	forged := pkitest.Authority{Kind: pki.PhoneAuth, Cert: endEntity, Key: pkitest.Key(t, 1)}
	leaf = forged.Issue(t, pkitest.Key(t, 2).Public(), pkitest.Leaf{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)})
	_, err = certpath.Validate(leaf, []*x509.Certificate{endEntity}, []*x509.Certificate{root.Cert}, certpath.For(pki.SandboxArc(), pki.PhoneAuth), now)
	if !errors.Is(err, certpath.ErrNoPath) {
		t.Errorf("a person's certificate issued another: %v", err)
	}
}

func TestASignatureThatDoesNotFitIsNoPath(t *testing.T) {
	root := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 0), now)
	leaf := root.Issue(t, pkitest.Key(t, 1).Public(), pkitest.Leaf{})
	for i := 0; i < len(leaf.Raw); i += 7 {
		changed := append([]byte(nil), leaf.Raw...)
		changed[i] ^= 1
		c, err := x509.ParseCertificate(changed)
		if err != nil {
			continue
		}
		if _, err := certpath.Validate(c, nil, []*x509.Certificate{root.Cert}, certpath.For(pki.SandboxArc(), pki.PhoneAuth), now); err == nil {
			t.Errorf("byte %d may be changed", i)
		}
	}
}

func pkixNull(id asn1.ObjectIdentifier) []pkix.Extension {
	return []pkix.Extension{{Id: id, Value: []byte{5, 0}}}
}
