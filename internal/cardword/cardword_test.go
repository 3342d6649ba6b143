package cardword_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tegata/internal/cardword"
	"tegata/internal/cms"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// Each row changes one thing of a good word, which then is none.
func TestAWordIsWhatItsPurposeSays(t *testing.T) {
	authority := pkitest.NewAuthority(t, pki.CardAuth, pkitest.Key(t, 0), now)
	key := pkitest.Key(t, 1)
	cert := authority.Issue(t, key.Public(), pkitest.Leaf{})
	other := authority.Issue(t, pkitest.Key(t, 2).Public(), pkitest.Leaf{})
	hash := strings.Repeat("ab", 32)
	good := map[cardword.Purpose]cardword.Word{
		cardword.Suspend:    {},
		cardword.Resume:     {Enrolment: "e", DeviceKeySHA256: hash},
		cardword.LowerRules: {RulesSHA256: hash, Verifier: "verifier"},

		cardword.ChangeContact: {ContactSHA256: cardword.ContactHash("mail", "hanako@example.jp")},
		cardword.KeepContact:   {},
	}
	for _, row := range []struct {
		name   string
		say    cardword.Purpose
		want   cardword.Purpose
		change func(*cardword.Word)
		err    error
	}{
		{"a word to suspend", cardword.Suspend, cardword.Suspend, nil, nil},
		{"a word to resume", cardword.Resume, cardword.Resume, nil, nil},
		{"a word to lower the rules", cardword.LowerRules, cardword.LowerRules, nil, nil},
		{"a word to suspend does not lower rules", cardword.Suspend, cardword.LowerRules, nil, cardword.ErrMalformed},
		{"nor does a word to lower rules resume a phone", cardword.LowerRules, cardword.Resume, nil, cardword.ErrMalformed},
		{"rules without a verifier", cardword.LowerRules, cardword.LowerRules, func(w *cardword.Word) { w.Verifier = "" }, cardword.ErrMalformed},
		{"a verifier without rules", cardword.LowerRules, cardword.LowerRules, func(w *cardword.Word) { w.RulesSHA256 = "" }, cardword.ErrMalformed},
		{"a word to suspend that names rules too", cardword.Suspend, cardword.Suspend, func(w *cardword.Word) { w.RulesSHA256, w.Verifier = hash, "verifier" }, cardword.ErrMalformed},
		{"a word to suspend that names a phone", cardword.Suspend, cardword.Suspend, func(w *cardword.Word) { w.Enrolment = "e" }, cardword.ErrMalformed},
		{"a word about an address", cardword.ChangeContact, cardword.ChangeContact, nil, nil},
		{"a word to keep the address", cardword.KeepContact, cardword.KeepContact, nil, nil},
		{"a word to keep the address does not change it", cardword.KeepContact, cardword.ChangeContact, nil, cardword.ErrMalformed},
		{"a word about an address that names none", cardword.ChangeContact, cardword.ChangeContact, func(w *cardword.Word) { w.ContactSHA256 = "" }, cardword.ErrMalformed},
		{"a word about an address that names rules too", cardword.ChangeContact, cardword.ChangeContact, func(w *cardword.Word) { w.RulesSHA256 = hash }, cardword.ErrMalformed},
		{"a word to suspend that names an address", cardword.Suspend, cardword.Suspend, func(w *cardword.Word) { w.ContactSHA256 = hash }, cardword.ErrMalformed},
		{"a word to suspend that names a verifier", cardword.Suspend, cardword.Suspend, func(w *cardword.Word) { w.Verifier = "verifier" }, cardword.ErrMalformed},
		{"no nonce", cardword.Suspend, cardword.Suspend, func(w *cardword.Word) { w.Nonce = "" }, cardword.ErrMalformed},
		{"a nonce of fewer bits", cardword.Suspend, cardword.Suspend, func(w *cardword.Word) { w.Nonce = "AAAA" }, cardword.ErrMalformed},
		{"another spelling of the time", cardword.Suspend, cardword.Suspend, func(w *cardword.Word) { w.Time = "2026-11-22T18:00:00+09:00" }, cardword.ErrMalformed},
		{"another card's certificate", cardword.Suspend, cardword.Suspend, func(w *cardword.Word) { w.CertificateSHA256 = pki.Fingerprint(other.Raw) }, cardword.ErrCertificate},
		{"an hour and a second old", cardword.Suspend, cardword.Suspend, func(w *cardword.Word) { w.Time = "2026-11-22T07:59:59Z" }, cardword.ErrTime},
		{"ten minutes and a second ahead", cardword.Suspend, cardword.Suspend, func(w *cardword.Word) { w.Time = "2026-11-22T09:10:01Z" }, cardword.ErrTime},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := good[row.say]
			w.CertificateSHA256, w.Nonce, w.Purpose, w.Time = pki.Fingerprint(cert.Raw), "AAAAAAAAAAAAAAAAAAAAAA", row.say, now.Format(time.RFC3339)
			if row.change != nil {
				row.change(&w)
			}
			der, err := cms.Sign(key, cert, w.Canonical(), now, false)
			if err != nil {
				t.Fatal(err)
			}
			got, signed, err := cardword.Parse(der, row.want, now)
			if !errors.Is(err, row.err) || row.err == nil && (err != nil || got != w || !signed.Certificate.Equal(cert)) {
				t.Errorf("%+v, %v", got, err)
			}
			if row.err == nil {
				der[len(der)-1] ^= 1
				if _, _, err := cardword.Parse(der, row.want, now); !errors.Is(err, cardword.ErrSignature) {
					t.Errorf("changed on its way: %v", err)
				}
			}
		})
	}
}

// Members in another order, or with spaces between, are another encoding.
func TestAWordHasOneEncoding(t *testing.T) {
	authority := pkitest.NewAuthority(t, pki.CardAuth, pkitest.Key(t, 0), now)
	key := pkitest.Key(t, 1)
	cert := authority.Issue(t, key.Public(), pkitest.Leaf{})
	w := cardword.Word{CertificateSHA256: pki.Fingerprint(cert.Raw), Nonce: "AAAAAAAAAAAAAAAAAAAAAA", Purpose: cardword.Suspend, Time: now.Format(time.RFC3339)}
	for _, content := range []string{string(w.Canonical()) + " ", "{ " + string(w.Canonical())[1:], strings.Replace(string(w.Canonical()), "}", `,"verifier":""}`, 1)} {
		der, err := cms.Sign(key, cert, []byte(content), now, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := cardword.Parse(der, cardword.Suspend, now); !errors.Is(err, cardword.ErrMalformed) {
			t.Errorf("%s: %v", content, err)
		}
	}
}
