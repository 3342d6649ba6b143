package ra_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"tegata/internal/attest"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/issuer/ra"
)

// Each case is a person or an attacker at step "apply". After each refusal
// nothing is recorded, and the honest application goes through.
func TestApplicationsThatAreRefused(t *testing.T) {
	signed := func(w *world, p *phone, c *card, change func(*ra.Application)) {
		a := p.application(c)
		change(&a)
		p.cms = p.signWith(c.sign, c.issued.Certificates.Sign, a.Canonical())
	}
	for _, tt := range []struct {
		name string
		code ra.Code
		do   func(w *world, p *phone, c *card) (step string)
	}{
		{"a message that is no JWS", ra.CodeBadStep, func(w *world, p *phone, c *card) string { return "x.y.z" }},
		{"the first step without an attestation", ra.CodeBadStep, func(w *world, p *phone, c *card) string {
			p.applyStep(c, false)
			return p.jws(ra.TypeEnrolment, ra.ApplyClaims{StepClaims: p.claims(ra.StepApply), Application: p.cms}, nil)
		}},
		{"a check-in in the place of an application", ra.CodeBadStep, func(w *world, p *phone, c *card) string {
			p.applyStep(c, false)
			return p.jws(ra.TypeCheckIn, ra.ApplyClaims{StepClaims: p.claims(ra.StepApply), Application: p.cms}, p.chain)
		}},
		{"a step for another issuer", ra.CodeStepAudience, func(w *world, p *phone, c *card) string {
			claims := ra.ApplyClaims{StepClaims: p.claims(ra.StepApply), Application: []byte{}}
			claims.Aud = "https://issuer.example"
			return p.jws(ra.TypeEnrolment, claims, p.attest(&p.device.PublicKey, ra.DeviceKeyChallenge(p.id)))
		}},
		{"a step signed yesterday", ra.CodeStepStale, func(w *world, p *phone, c *card) string {
			s := p.applyStep(c, false)
			w.now = w.now.Add(24 * time.Hour)
			return s
		}},
		{"another step in the place of an application", ra.CodeStepMismatch, func(w *world, p *phone, c *card) string {
			return p.jws(ra.TypeEnrolment, ra.ApplyClaims{StepClaims: p.claims(ra.StepKeys), Application: []byte{}}, p.attest(&p.device.PublicKey, ra.DeviceKeyChallenge(p.id)))
		}},
		{"an enrolment id that is no 128 bits", ra.CodeEnrolmentID, func(w *world, p *phone, c *card) string {
			p.id = "1"
			return p.applyStep(c, false)
		}},
		{"a message changed after it was signed", ra.CodeStepSignature, func(w *world, p *phone, c *card) string {
			parts := strings.Split(p.applyStep(c, false), ".")
			body, _ := base64.RawURLEncoding.DecodeString(parts[1])
			parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(body), `"ctr":1`, `"ctr":2`, 1)))
			return strings.Join(parts, ".")
		}},
		{"a message signed by another key than the attested one", ra.CodeStepSignature, func(w *world, p *phone, c *card) string {
			p.applyStep(c, false)
			p.device = pkitest.ECKey(w.t)
			return p.applyStep(c, false)
		}},
		{"an element of a maker that we do not know", ra.CodeAttestationRoot, func(w *world, p *phone, c *card) string {
			other, err := attest.NewMakerWithKey(pkitest.ECKey(w.t), "Somebody", w.now)
			if err != nil {
				w.t.Fatal(err)
			}
			if p.batch, err = other.NewBatch("Tegata One", w.now); err != nil {
				w.t.Fatal(err)
			}
			return p.applyStep(c, false)
		}},
		{"an attestation made for another enrolment", ra.CodeAttestationChallenge, func(w *world, p *phone, c *card) string {
			p.chain = p.attest(&p.device.PublicKey, ra.DeviceKeyChallenge(randomID()))
			return p.applyStep(c, false)
		}},
		{"a key that lives in software", ra.CodeAttestationLevel, func(w *world, p *phone, c *card) string {
			p.hardware.Level = attest.Software
			return p.applyStep(c, false)
		}},
		{"a key that can be taken out", ra.CodeAttestationExportable, func(w *world, p *phone, c *card) string {
			p.hardware.Exportable = true
			return p.applyStep(c, false)
		}},
		{"a phone whose boot loader is open", ra.CodeAttestationBoot, func(w *world, p *phone, c *card) string {
			p.hardware.Locked = false
			return p.applyStep(c, false)
		}},
		{"a phone whose system is not the maker's", ra.CodeAttestationBoot, func(w *world, p *phone, c *card) string {
			p.hardware.Boot = attest.BootSelfSigned
			return p.applyStep(c, false)
		}},
		{"a model that is not on the list", ra.CodeUnsupportedPhone, func(w *world, p *phone, c *card) string {
			p.hardware.Model = "Tegata Zero"
			return p.applyStep(c, false)
		}},
		{"an application that is no CMS", ra.CodeApplicationMalformed, func(w *world, p *phone, c *card) string {
			p.cms = []byte("please")
			return p.applyStep(c, false)
		}},
		{"a content that is not canonical", ra.CodeApplicationMalformed, func(w *world, p *phone, c *card) string {
			p.cms = p.signWith(c.sign, c.issued.Certificates.Sign, append(p.application(c).Canonical(), ' '))
			return p.applyStep(c, false)
		}},
		{"an application signed by another key than its certificate's", ra.CodeApplicationSignature, func(w *world, p *phone, c *card) string {
			p.cms = p.signWith(c.auth, c.issued.Certificates.Sign, p.application(c).Canonical())
			return p.applyStep(c, false)
		}},
		{"an application signed by the authentication key", ra.CodeApplicationCertificate, func(w *world, p *phone, c *card) string {
			a := p.application(c)
			a.ApplicantCertificateSHA256 = pki.Fingerprint(c.issued.Certificates.Auth)
			p.cms = p.signWith(c.auth, c.issued.Certificates.Auth, a.Canonical())
			return p.applyStep(c, false)
		}},
		{"a certificate of a stranger with our names in it", ra.CodeApplicationCertificate, func(w *world, p *phone, c *card) string {
			real, err := x509.ParseCertificate(c.issued.Certificates.Sign)
			if err != nil {
				w.t.Fatal(err)
			}
			forged := *real
			forged.SignatureAlgorithm = 0
			der, err := x509.CreateCertificate(rand.Reader, &forged, &forged, &c.sign.PublicKey, c.sign)
			if err != nil {
				w.t.Fatal(err)
			}
			a := p.application(c)
			a.ApplicantCertificateSHA256 = pki.Fingerprint(der)
			p.cms = p.signWith(c.sign, der, a.Canonical())
			return p.applyStep(c, false)
		}},
		{"a content that names another certificate", ra.CodeApplicationCertificate, func(w *world, p *phone, c *card) string {
			signed(w, p, c, func(a *ra.Application) { a.ApplicantCertificateSHA256 = strings.Repeat("0", 64) })
			return p.applyStep(c, false)
		}},
		{"an application signed for another device key", ra.CodeDeviceKeyMismatch, func(w *world, p *phone, c *card) string {
			signed(w, p, c, func(a *ra.Application) { a.DeviceKeySHA256 = strings.Repeat("0", 64) })
			return p.applyStep(c, false)
		}},
		{"an application signed for another enrolment", ra.CodeDeviceKeyMismatch, func(w *world, p *phone, c *card) string {
			signed(w, p, c, func(a *ra.Application) { a.Enrolment = randomID() })
			return p.applyStep(c, false)
		}},
		{"an application for an authentication certificate alone", ra.CodeCertificateChoice, func(w *world, p *phone, c *card) string {
			signed(w, p, c, func(a *ra.Application) { a.Certificates = []string{"phone-auth"} })
			return p.applyStep(c, false)
		}},
		{"terms that are no longer the current ones", ra.CodeTermsOutdated, func(w *world, p *phone, c *card) string {
			signed(w, p, c, func(a *ra.Application) { a.TermsVersion = "2025-01" })
			return p.applyStep(c, false)
		}},
		{"an application signed hours ago", ra.CodeApplicationTime, func(w *world, p *phone, c *card) string {
			signed(w, p, c, func(a *ra.Application) { a.Time = w.now.Add(-2 * time.Hour).Format(time.RFC3339) })
			return p.applyStep(c, false)
		}},
		{"an application of tomorrow", ra.CodeApplicationTime, func(w *world, p *phone, c *card) string {
			signed(w, p, c, func(a *ra.Application) { a.Time = w.now.Add(24 * time.Hour).Format(time.RFC3339) })
			return p.applyStep(c, false)
		}},
		{"a time in another zone", ra.CodeApplicationMalformed, func(w *world, p *phone, c *card) string {
			signed(w, p, c, func(a *ra.Application) { a.Time = w.now.In(pki.JST).Format(time.RFC3339) })
			return p.applyStep(c, false)
		}},
		{"a nonce of few bits", ra.CodeApplicationMalformed, func(w *world, p *phone, c *card) string {
			signed(w, p, c, func(a *ra.Application) { a.Nonce = "1" })
			return p.applyStep(c, false)
		}},
		{"a card on hold", ra.CodeCardHeld, func(w *world, p *phone, c *card) string {
			if _, err := c.event(ra.EventCardLost); err != nil {
				w.t.Fatal(err)
			}
			return p.applyStep(c, false)
		}},
		{"a card whose signature certificate is revoked", ra.CodeCardRevoked, func(w *world, p *phone, c *card) string {
			if _, err := c.event(ra.EventMoved); err != nil {
				w.t.Fatal(err)
			}
			return p.applyStep(c, false)
		}},
		{"a card that has expired", ra.CodeCardExpired, func(w *world, p *phone, c *card) string {
			w.now = c.issued.NotAfter.Add(time.Second)
			return p.applyStep(c, false)
		}},
		{"the card of somebody who died", ra.CodePersonDied, func(w *world, p *phone, c *card) string {
			if _, err := c.event(ra.EventDied); err != nil {
				w.t.Fatal(err)
			}
			return p.applyStep(c, false)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			c := w.issueCard("card-1", hanako(), 0)
			p := w.newPhone(2)
			step := tt.do(w, p, c)
			before := len(w.notices())
			_, err := w.ra.Apply(t.Context(), step)
			got := wantCode(t, err, tt.code)
			if got.JA.Title == "" || got.EN.Title == "" || got.JA.Detail == "" || got.EN.Detail == "" {
				t.Errorf("the refusal has no words: %+v", got)
			}
			if n := len(w.notices()); n != before {
				t.Errorf("a refused application left %d notices", n-before)
			}
			switch tt.code {
			case ra.CodeCardHeld, ra.CodeCardRevoked, ra.CodeCardExpired, ra.CodePersonDied:
				return
			}
			honest := w.newPhone(4)
			if err := honest.apply(c, false); err != nil {
				t.Errorf("after it, an honest application is refused: %v", err)
			}
		})
	}
}

func TestAChildOf14IsRefusedAndOneOf15IsNot(t *testing.T) {
	w := newWorld(t)
	birth := time.Date(2011, 11, 23, 0, 0, 0, 0, time.UTC) // 15 tomorrow
	c := w.issueCard("card-1", resident("child", "手形　一郎", birth), 0)
	wantCode(t, w.newPhone(2).apply(c, false), ra.CodeUnder15)
	w.now = time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC) // the birthday begins in Japan
	if err := w.newPhone(2).apply(c, false); err != nil {
		t.Fatal(err)
	}
}

// A card without a signature certificate cannot apply; asked by its authentication
// certificate, the authority says why, and nothing of it is kept.
func TestWhyACardWithoutASignatureCertificateCannotApply(t *testing.T) {
	w := newWorld(t)
	bare := func(id, birth string, first int) []byte {
		born, err := time.Parse(time.DateOnly, birth)
		if err != nil {
			t.Fatal(err)
		}
		issued, err := w.ra.IssueCard(t.Context(), "city", ra.CardIssuance{ID: id, Person: resident(id, "手形　一郎", born), AuthCSR: csr(t, pkitest.Key(t, first))})
		if err != nil {
			t.Fatal(err)
		}
		return issued.Certificates.Auth
	}
	child, adult := bare("child", "2011-11-23", 0), bare("adult", "1980-02-17", 1)
	for _, c := range []struct {
		name         string
		auth, signed []byte
		want         ra.Code
	}{
		{"a child's card", child, nil, ra.CodeUnder15},
		{"an adult's card", adult, nil, ra.CodeNoSignature},
		{"a certificate of somebody else's", w.maker.Root.Raw, nil, ra.CodeApplicationCertificate},
		{"no certificate", []byte("hello"), nil, ra.CodeApplicationCertificate},
		{"beside an application", child, []byte("hello"), ra.CodeApplicationMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := w.newPhone(2)
			claims := ra.ApplyClaims{StepClaims: p.claims(ra.StepApply), AuthCertificate: c.auth, Application: c.signed}
			_, err := w.ra.Apply(t.Context(), p.jws(ra.TypeEnrolment, claims, p.attest(&p.device.PublicKey, ra.DeviceKeyChallenge(p.id))))
			wantCode(t, err, c.want)
			_, err = w.ra.Show(t.Context(), p.id, p.jws(ra.TypeEnrolment, p.claims(ra.StepShow), nil))
			wantCode(t, err, ra.CodeUnknownEnrolment)
		})
	}
	unknown := w.newPhone(2)
	claims := ra.ApplyClaims{StepClaims: unknown.claims(ra.StepApply), AuthCertificate: child}
	_, err := w.ra.Apply(t.Context(), unknown.jws(ra.TypeEnrolment, claims, unknown.attest(&unknown.device.PublicKey, []byte("another challenge, of 32 bytes..."))))
	wantCode(t, err, ra.CodeAttestationChallenge) // who is not a phone is told nothing
}

func TestAnApplicationServesOnce(t *testing.T) {
	w := newWorld(t)
	c := w.issueCard("card-1", hanako(), 0)
	p := w.newPhone(2)
	if err := p.apply(c, false); err != nil {
		t.Fatal(err)
	}
	t.Run("other content under the same id", func(t *testing.T) {
		again := *p
		again.cms = nil
		wantCode(t, again.apply(c, false), ra.CodeConflict)
	})
	t.Run("another device key under the same id", func(t *testing.T) {
		thief := w.newPhone(4)
		thief.id, thief.cms = p.id, p.cms
		wantCode(t, thief.apply(c, false), ra.CodeConflict)
	})
	t.Run("the same application from another phone", func(t *testing.T) {
		thief := w.newPhone(4)
		thief.cms = p.cms
		wantCode(t, thief.apply(c, true), ra.CodeDeviceKeyMismatch)
	})
	t.Run("the same nonce in another application", func(t *testing.T) {
		again := w.newPhone(4)
		a := again.application(c)
		a.Nonce = p.nonce(t)
		again.cms = again.signWith(c.sign, c.issued.Certificates.Sign, a.Canonical())
		wantCode(t, again.apply(c, true), ra.CodeApplicationReplayed)
	})
	if s, err := p.show(); err != nil || s.State != ra.StateApplied {
		t.Errorf("the attacks moved the application to %+v, %v", s, err)
	}
}

func TestAnUnknownEnrolmentIsToldSo(t *testing.T) {
	w := newWorld(t)
	p := w.newPhone(2)
	_, err := p.show()
	wantCode(t, err, ra.CodeUnknownEnrolment)
	_, err = p.checkIn()
	wantCode(t, err, ra.CodeUnknownEnrolment)
	wantCode(t, p.keys(), ra.CodeUnknownEnrolment)
}

// Flipping any byte of the signed part of a step, or of the application inside,
// never gets anything recorded.
func TestTamperedStepsAreRefused(t *testing.T) {
	w := newWorld(t)
	c := w.issueCard("card-1", hanako(), 0)
	p := w.newPhone(2)
	step := p.applyStep(c, false)
	for i := 0; i < len(step); i += 1 + len(step)/300 {
		changed := []byte(step)
		if changed[i]++; changed[i] == '.' {
			changed[i]++
		}
		if _, err := w.ra.Apply(t.Context(), string(changed)); err == nil {
			t.Fatalf("byte %d changed: taken", i)
		}
	}
	for i := 0; i < len(p.cms); i += 1 + len(p.cms)/200 {
		tampered := append([]byte(nil), p.cms...)
		tampered[i] ^= 1
		claims := ra.ApplyClaims{StepClaims: p.claims(ra.StepApply), Application: tampered}
		if _, err := w.ra.Apply(t.Context(), p.jws(ra.TypeEnrolment, claims, p.chain)); err == nil {
			t.Fatalf("byte %d of the application changed: taken", i)
		}
	}
	if got := w.notices(); len(got) != 0 {
		t.Errorf("told %v", got)
	}
	if err := p.apply(c, false); err != nil {
		t.Fatal(err)
	}
}
