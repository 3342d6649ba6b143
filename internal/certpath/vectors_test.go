package certpath

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func vectors[T any](t *testing.T, file string) T {
	t.Helper()
	var v T
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Valid cases of NIST's suite that we refuse, each for a reason of ours.
var stricter = map[string]string{
	"4.1.4": "DSA", "4.1.5": "DSA",
	"4.3.3": "names byte for byte", "4.3.4": "names byte for byte", "4.3.5": "names byte for byte",
	"4.3.10": "names byte for byte", "4.3.11": "names byte for byte",
	"4.6.8": "an authority as end entity", "4.6.14": "an authority as end entity", "4.14.13": "an authority as end entity",
	"4.6.13": "longer than 5", "4.6.17": "longer than 5", "4.6.15": "one key for certificates and CRLs",
	"4.4.19": "one key for certificates and CRLs",
	"4.14.5": "nameRelativeToCRLIssuer", "4.14.7": "nameRelativeToCRLIssuer", "4.14.4": "nameRelativeToCRLIssuer",
	"4.14.18": "onlySomeReasons", "4.14.19": "onlySomeReasons",
	"4.14.22": "indirect CRL", "4.14.24": "indirect CRL", "4.14.25": "indirect CRL", "4.14.28": "indirect CRL",
	"4.14.29": "indirect CRL", "4.14.30": "indirect CRL", "4.14.33": "indirect CRL",
}

func TestPathsOfNISTsSuite(t *testing.T) {
	suite := vectors[struct {
		Cases []struct {
			Name  string
			Valid bool
			Certs []string
			CRLs  []string
		}
		Certs, CRLs map[string][]byte
	}](t, "testdata/pkits.json")
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	used := map[string]bool{}
	for _, c := range suite.Cases {
		t.Run(c.Name, func(t *testing.T) {
			var certs []*x509.Certificate
			for _, name := range c.Certs {
				cert, err := x509.ParseCertificate(suite.Certs[name])
				if err != nil { // refused at the door
					certs = nil
					break
				}
				certs = append(certs, cert)
			}
			err := errors.New("does not parse")
			if certs != nil {
				var crls [][]byte
				for _, name := range c.CRLs {
					crls = append(crls, suite.CRLs[name])
				}
				err = believe(certs, crls, at)
			}
			number, _, _ := strings.Cut(c.Name, " ")
			reason, deliberate := stricter[number]
			used[number] = deliberate
			switch {
			case c.Valid && err != nil && !deliberate:
				t.Errorf("refused: %v", err)
			case c.Valid && err == nil && deliberate:
				t.Errorf("accepted, although we say we refuse it: %s", reason)
			case !c.Valid && err == nil:
				t.Error("accepted")
			}
		})
	}
	for number := range stricter {
		if !used[number] {
			t.Errorf("%s is not a case of the suite", number)
		}
	}
}

// believe validates the last of certs under the first and looks every
// certificate but the root up in the first CRL that covers it.
func believe(certs []*x509.Certificate, crls [][]byte, at time.Time) error {
	last := len(certs) - 1
	path, err := Validate(certs[last], certs[1:last], certs[:1], Purpose{Policy: AnyPolicy}, at)
	if err != nil {
		return err
	}
	for i, c := range path[:len(path)-1] {
		found, why := false, error(ErrNoStatus)
		for _, der := range crls {
			l, err := checkCRL(der, c, path[i+1], at)
			if err != nil {
				why = err
				continue
			}
			if _, revoked := l.revoked[string(c.SerialNumber.Bytes())]; revoked {
				return errors.New("revoked")
			}
			found = true
		}
		if !found {
			return why
		}
	}
	return nil
}

func TestOCSPAnswersOfChromium(t *testing.T) {
	suite := vectors[struct {
		Certificates [][]byte
		Cases        []struct {
			Name, Status, Check string
			Response            []byte
			CA, Certificate     int
		}
	}](t, "testdata/ocsp.json")
	at := time.Date(2017, 3, 2, 0, 1, 0, 0, time.UTC)
	// What these answers are is decided by date and by SHA-1, which we refuse; here
	// the other checks are asked one by one.
	o := OCSP{SHA1: true, UncheckedResponder: true}
	for _, c := range suite.Cases {
		t.Run(c.Name, func(t *testing.T) {
			cert, err := x509.ParseCertificate(suite.Certificates[c.Certificate])
			if c.Name == "good_response_invalid_serial" { // Chromium tolerates a serial number that is not DER
				if err == nil {
					t.Fatal("a certificate whose serial number is not DER was read")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			ca, err := x509.ParseCertificate(suite.Certificates[c.CA])
			if err != nil {
				t.Fatal(err)
			}
			r, err := parseOCSP(c.Response)
			switch c.Check {
			case "PARSE_RESPONSE_ERROR", "PARSE_RESPONSE_DATA_ERROR", "ERROR_RESPONSE":
				if err == nil {
					t.Fatal("accepted")
				}
				return
			case "UNHANDLED_CRITICAL_EXTENSION":
				if !errors.Is(err, ErrExtension) {
					t.Fatalf("got %v", err)
				}
				return
			}
			switch c.Name {
			case "has_critical_ct_extension":
				if !errors.Is(err, ErrExtension) { // Chromium knows this one, we do not
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			id, err := o.identify(cert, ca)
			if err != nil {
				t.Fatal(err)
			}
			var states []State
			for _, a := range r.answers {
				if a.id.equal(id) {
					states = append(states, a.state)
				}
			}
			if c.Check == "NO_MATCHING_RESPONSE" {
				if len(states) != 0 {
					t.Fatal("found an answer about another certificate")
				}
				return
			}
			if want := map[string]State{"GOOD": Good, "REVOKED": Revoked}[c.Status]; want != "" && len(states) == 1 && states[0] != want {
				t.Errorf("state %s, want %s", states[0], want)
			}
			signedWell := strings.HasSuffix(c.Name, "_sha256")
			if err := o.authorized(r, ca, at); (err == nil) != signedWell {
				t.Errorf("signature accepted: %v, want %v (SHA-1 is refused)", err == nil, signedWell)
			}
			if c.Check == "INVALID_DATE" || c.Check == "BAD_PRODUCED_AT" {
				if o.fresh(r, &r.answers[0], at) == nil {
					t.Error("its moments were accepted")
				}
			}
			if s, err := o.judge(r, id, ca, at); err == nil && s.State == Good {
				t.Error("an answer without nextUpdate, a day old, was believed")
			}
		})
	}
}

// The whole check of good, current answers is in ocsp_test.go, against openssl's
// responder; here, that flipping any byte of an answer never makes it another.
func TestAChangedAnswerIsNoAnswer(t *testing.T) {
	suite := vectors[struct {
		Certificates [][]byte
		Cases        []struct {
			Name     string
			Response []byte
			CA       int
		}
	}](t, "testdata/ocsp.json")
	at := time.Date(2017, 3, 2, 0, 0, 30, 0, time.UTC)
	for _, c := range suite.Cases {
		if c.Name != "good_response_sha256" {
			continue
		}
		ca, err := x509.ParseCertificate(suite.Certificates[c.CA])
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.Response {
			changed := bytes.Clone(c.Response)
			changed[i] ^= 1
			r, err := parseOCSP(changed)
			if err == nil && (OCSP{}).authorized(r, ca, at) == nil {
				t.Errorf("byte %d may be changed", i)
			}
		}
	}
}
