package status_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"

	"tegata/internal/pki"
	"tegata/issuer/profile"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/issuer/issuertest"
	"tegata/store/storetest"
)

// fetchCRL gets a CRL over HTTP, an empty partition being the whole authority, and
// checks its signature, form and times.
func fetchCRL(t *testing.T, i *issuertest.Issuer, kind pki.Kind, partition string) *x509.RevocationList {
	t.Helper()
	path := "/crl/" + string(kind) + "/" + partition + ".crl"
	if partition == "" {
		path = "/crl/" + string(kind) + ".crl"
	}
	response, der := get(t, i, path)
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "application/pkix-crl" {
		t.Fatalf("%s: %s", path, response.Status)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := list.CheckSignatureFrom(i.CA.Authority(kind)); err != nil {
		t.Fatal(err)
	}
	if life := list.NextUpdate.Sub(list.ThisUpdate); life > 48*time.Hour || !list.NextUpdate.After(i.Clock.Now()) {
		t.Errorf("%s: thisUpdate %v, nextUpdate %v", path, list.ThisUpdate, list.NextUpdate)
	}
	return list
}

func entry(list *x509.RevocationList, serial *big.Int) *x509.RevocationListEntry {
	for _, e := range list.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(serial) == 0 {
			return &e
		}
	}
	return nil
}

func TestACRLListsHeldAndRevokedWithReasonAndDate(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		i := issuertest.NewOn(t, db)
		good, held, revoked := i.Issue(t, pki.PhoneSign, 0, ""), i.Issue(t, pki.PhoneSign, 1, ""), i.Issue(t, pki.PhoneSign, 2, "")
		began := i.Clock.Now()
		i.Clock.Walk(time.Hour)
		invalid := began.Add(time.Minute)
		i.Apply(t,
			status.Change{Kind: pki.PhoneSign, Serial: pki.SerialOf(held), Op: status.Open, Cause: status.Lost},
			status.Change{Kind: pki.PhoneSign, Serial: pki.SerialOf(revoked), Op: status.Revoke, Reason: status.KeyCompromise, Invalid: invalid})
		for _, partition := range []string{"131016", ""} {
			list := fetchCRL(t, i, pki.PhoneSign, partition)
			if len(list.RevokedCertificateEntries) != 2 || entry(list, good.SerialNumber) != nil {
				t.Errorf("%q lists %d", partition, len(list.RevokedCertificateEntries))
			}
			if e := entry(list, held.SerialNumber); e == nil || e.ReasonCode != status.CertificateHold || !e.RevocationTime.Equal(i.Clock.Now()) {
				t.Errorf("%q, held: %+v", partition, e)
			}
			e := entry(list, revoked.SerialNumber)
			if e == nil || e.ReasonCode != status.KeyCompromise || !e.RevocationTime.Equal(i.Clock.Now()) {
				t.Fatalf("%q, revoked: %+v", partition, e)
			}
			var date time.Time
			for _, x := range e.Extensions {
				if x.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 24}) {
					if _, err := asn1.UnmarshalWithParams(x.Value, &date, "generalized"); err != nil {
						t.Fatal(err)
					}
				}
			}
			if !date.Equal(invalid) {
				t.Errorf("%q: invalidity date %v", partition, date)
			}
		}
		i.Clock.Walk(time.Minute)
		i.Apply(t, status.Change{Kind: pki.PhoneSign, Serial: pki.SerialOf(held), Op: status.Lift, Cause: status.Lost})
		if list := fetchCRL(t, i, pki.PhoneSign, "131016"); entry(list, held.SerialNumber) != nil {
			t.Error("a resumed certificate is listed")
		}
	})
}

func TestACRLIsRemadeWhenItIsOldOrShowsTooLittle(t *testing.T) {
	i := issuertest.New(t)
	cert := i.Issue(t, pki.PhoneSign, 0, "")
	number := func() int64 { return fetchCRL(t, i, pki.PhoneSign, "131016").Number.Int64() }
	toggle := func(op status.Op) {
		i.Apply(t, status.Change{Kind: pki.PhoneSign, Serial: pki.SerialOf(cert), Op: op, Cause: status.Lost})
	}
	for _, step := range []struct {
		name string
		walk time.Duration
		op   status.Op
		want int64
	}{
		{"the first", 0, "", 1},
		{"nothing happened for an hour", time.Hour, "", 1},
		{"a change", 0, status.Open, 2},
		{"another 29 seconds later waits", 29 * time.Second, status.Lift, 2},
		{"both come together after 30", 1 * time.Second, "", 3},
		{"nothing happened for 23 hours", 23 * time.Hour, "", 3},
		{"a day later it is made anew", time.Hour, "", 4},
		{"three years cost one signature", 3 * 365 * 24 * time.Hour, "", 5},
	} {
		i.Clock.Walk(step.walk)
		if step.op != "" {
			toggle(step.op)
		}
		if got := number(); got != step.want {
			t.Errorf("%s: CRL number %d, not %d", step.name, got, step.want)
		}
	}
}

func TestAnExpiredEntryDropsOutAfterOneMoreIssue(t *testing.T) {
	i := issuertest.New(t)
	request := i.Request(t, pki.PhoneSign, 0)
	request.NotAfter = i.Clock.Now().AddDate(0, 0, 10)
	draft, err := i.CA.Prepare(t.Context(), issuertest.Who, request)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := i.CA.Issue(t.Context(), issuertest.Who, draft)
	if err != nil {
		t.Fatal(err)
	}
	i.Apply(t, status.Change{Kind: pki.PhoneSign, Serial: pki.SerialOf(cert), Op: status.Revoke, Reason: status.Superseded})
	for _, step := range []struct {
		name   string
		walk   time.Duration
		listed bool
	}{
		{"while it would live", time.Hour, true},
		{"in the first issue after its end", 30 * 24 * time.Hour, true},
		{"in the next", 2 * 24 * time.Hour, false},
		{"and after", 2 * 24 * time.Hour, false},
	} {
		i.Clock.Walk(step.walk)
		if got := entry(fetchCRL(t, i, pki.PhoneSign, "131016"), cert.SerialNumber) != nil; got != step.listed {
			t.Errorf("%s: listed %t", step.name, got)
		}
	}
}

func TestACRLNumberSurvivesARestartAndIsNeverGivenTwice(t *testing.T) {
	i := issuertest.New(t)
	i.Issue(t, pki.PhoneSign, 0, "")
	first := fetchCRL(t, i, pki.PhoneSign, "131016")
	again := status.NewCRLs(i.Ledger, i.Store, i.CA)
	scope := status.Scope{Kind: pki.PhoneSign, Generation: 1, Partition: "131016"}
	kept, err := again.Current(t.Context(), scope)
	if err != nil || !bytes.Equal(kept.DER, first.Raw) {
		t.Errorf("after a restart: number %d, %v", kept.Number, err)
	}
	// Two processes over one store: the slower one takes the faster one's list.
	i.Clock.Walk(25 * time.Hour)
	a, err := again.Current(t.Context(), scope)
	if err != nil || a.Number != 2 {
		t.Fatal(a.Number, err)
	}
	b, err := i.Handler.CRLs.Current(t.Context(), scope)
	if err != nil || !bytes.Equal(a.DER, b.DER) {
		t.Errorf("two lists of number %d and %d, %v", a.Number, b.Number, err)
	}
}

func TestThePointOfACertificateIsThatOfItsCRL(t *testing.T) {
	i := issuertest.New(t)
	for _, kind := range pki.Kinds() {
		cert := i.Issue(t, kind, 0, "")
		path := strings.TrimPrefix(cert.CRLDistributionPoints[0], i.URL)
		parts := strings.Split(strings.TrimSuffix(path, ".crl"), "/")
		list := fetchCRL(t, i, kind, parts[len(parts)-1])
		if !bytes.Equal(list.AuthorityKeyId, cert.AuthorityKeyId) {
			t.Errorf("%s: the CRL's authority key identifier is another", kind)
		}
		if name := distributionPointName(t, cert.Extensions, 31); !bytes.Equal(name, distributionPointName(t, list.Extensions, 28)) {
			t.Errorf("%s: certificate and CRL name the point differently", kind)
		}
	}
}

// distributionPointName finds the [0] fullName of cRLDistributionPoints (31) or of
// a critical issuingDistributionPoint (28).
func distributionPointName(t *testing.T, extensions []pkix.Extension, n int) []byte {
	t.Helper()
	for _, e := range extensions {
		if !e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, n}) {
			continue
		}
		if n == 28 && !e.Critical {
			t.Error("the issuing distribution point is not critical")
		}
		value := e.Value
		for range map[int]int{31: 2, 28: 1}[n] {
			var v asn1.RawValue
			if _, err := asn1.Unmarshal(value, &v); err != nil {
				t.Fatal(err)
			}
			value = v.Bytes
		}
		var point asn1.RawValue
		if _, err := asn1.Unmarshal(value, &point); err != nil {
			t.Fatal(err)
		}
		return point.Bytes
	}
	t.Fatalf("extension %d is missing", n)
	return nil
}

func TestCRLsThatDoNotExist(t *testing.T) {
	i := issuertest.New(t)
	i.Issue(t, pki.PhoneSign, 0, "")
	for _, path := range []string{
		"/crl/phone-sign/999999.crl", "/crl/phone-sign/.crl", "/crl/root.crl", "/crl/phone-sign-2/131016.crl", "/crl/phone-sign/131016",
		"/crl/phone-sign/131016.crl/x", "/ca/root.cer", "/ca/card-sign", "/crl/card-sign/%2e%2e.crl", "/crl/",
	} {
		if response, _ := get(t, i, path); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
	_, err := i.Handler.CRLs.Current(t.Context(), status.Scope{Kind: pki.PhoneSign, Generation: 1, Partition: "x"})
	if !errors.Is(err, status.ErrNoScope) {
		t.Error(err)
	}
}

func TestCRLsPassTheLints(t *testing.T) {
	i := issuertest.New(t)
	rules, err := lint.GlobalRegistry().Filter(lint.FilterOptions{IncludeSources: lint.SourceList{lint.RFC5280, lint.RFC5480, lint.Community}})
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, kind pki.Kind, partition string) {
		list, err := zx509.ParseRevocationList(fetchCRL(t, i, kind, partition).Raw)
		if err != nil {
			t.Fatal(err)
		}
		for rule, result := range zlint.LintRevocationListEx(list, rules).Results {
			if result.Status >= lint.Warn {
				t.Errorf("%s: %s: %s", name, rule, result.Details)
			}
		}
	}
	cert := i.Issue(t, pki.PhoneSign, 0, "")
	check("empty", pki.PhoneSign, "131016")
	i.Clock.Walk(time.Minute)
	i.Apply(t, status.Change{Kind: pki.PhoneSign, Serial: pki.SerialOf(cert), Op: status.Revoke, Reason: status.Unspecified})
	i.Clock.Walk(time.Minute)
	check("with an entry", pki.PhoneSign, "131016")
	check("whole", pki.PhoneSign, "")
}

func TestAuthoritiesAreServed(t *testing.T) {
	i := issuertest.New(t)
	for _, kind := range pki.Kinds() {
		response, der := get(t, i, "/ca/"+profile.Label(kind, 1)+".cer")
		if response.Header.Get("Content-Type") != "application/pkix-cert" || !bytes.Equal(der, i.CA.Authority(kind).Raw) {
			t.Errorf("%s: %s", kind, response.Status)
		}
	}
	_, bundle := get(t, i, "/ca/bundle.pem")
	certs, err := pki.ParsePEM(bundle)
	if err != nil || len(certs) != len(pki.Kinds()) || !bytes.Equal(bundle, i.CA.Bundle()) {
		t.Errorf("bundle: %d certificates, %v", len(certs), err)
	}
	if response, text := get(t, i, "/cps"); response.StatusCode != 200 || !strings.Contains(string(text), "Tegata Test") {
		t.Errorf("practice statement: %s", response.Status)
	}
}
