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
	"tegata/issuer/status"
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
		{"an application for one certificate only", ra.CodeCertificateChoice, func(w *world, p *phone, c *card) string {
			signed(w, p, c, func(a *ra.Application) { a.Certificates = []string{"phone-sign"} })
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

// Each case is an attack at step "keys" by, or against, a phone that applied.
func TestKeysThatAreRefused(t *testing.T) {
	challenge := func(p *phone) []byte { return ra.KeyChallenge(p.cms, p.applied.Nonce) }
	for _, tt := range []struct {
		name string
		code ra.Code
		do   func(w *world, p *phone, c *card) ra.KeysClaims
	}{
		{"a request that is not signed by its key", ra.CodeCSR, func(w *world, p *phone, c *card) ra.KeysClaims {
			k := p.keyClaims()
			k.Auth.CSR[len(k.Auth.CSR)-1] ^= 1
			return k
		}},
		{"no request at all", ra.CodeCSR, func(w *world, p *phone, c *card) ra.KeysClaims {
			k := p.keyClaims()
			k.Sign.CSR = []byte{}
			return k
		}},
		{"one key for both certificates", ra.CodeKeyUnsuitable, func(w *world, p *phone, c *card) ra.KeysClaims {
			p.sign = p.auth
			return p.keyClaims()
		}},
		{"a key that was certified for the card", ra.CodeKeyUnsuitable, func(w *world, p *phone, c *card) ra.KeysClaims {
			p.auth = c.auth
			return p.keyClaims()
		}},
		{"an attestation of another key", ra.CodeAttestationKey, func(w *world, p *phone, c *card) ra.KeysClaims {
			k := p.keyClaims()
			k.Auth.Chain = p.attest(&pkitest.Key(w.t, 6).PublicKey, challenge(p))
			return k
		}},
		{"an attestation with an old challenge", ra.CodeAttestationChallenge, func(w *world, p *phone, c *card) ra.KeysClaims {
			k := p.keyClaims()
			k.Sign.Chain = p.attest(&p.sign.PublicKey, ra.KeyChallenge(p.cms, make([]byte, 32)))
			return k
		}},
		{"an attestation from an unknown root", ra.CodeAttestationRoot, func(w *world, p *phone, c *card) ra.KeysClaims {
			other, err := attest.NewMakerWithKey(pkitest.ECKey(w.t), "Somebody", w.now)
			if err != nil {
				w.t.Fatal(err)
			}
			if p.batch, err = other.NewBatch("Tegata One", w.now); err != nil {
				w.t.Fatal(err)
			}
			return p.keyClaims()
		}},
		{"no attestation", ra.CodeAttestationMalformed, func(w *world, p *phone, c *card) ra.KeysClaims {
			k := p.keyClaims()
			k.Sign.Chain = [][]byte{}
			return k
		}},
		{"an exportable key", ra.CodeAttestationExportable, func(w *world, p *phone, c *card) ra.KeysClaims {
			p.hardware.Exportable = true
			return p.keyClaims()
		}},
		{"a phone that was unlocked after the application", ra.CodeAttestationBoot, func(w *world, p *phone, c *card) ra.KeysClaims {
			p.hardware.Locked = false
			return p.keyClaims()
		}},
		{"keys of another element", ra.CodeAttestationElement, func(w *world, p *phone, c *card) ra.KeysClaims {
			p.element.ID[0] ^= 1
			return p.keyClaims()
		}},
		{"keys of an element that was reset after the application", ra.CodeAttestationElement, func(w *world, p *phone, c *card) ra.KeysClaims {
			p.element.ResetCounter++
			return p.keyClaims()
		}},
		{"a counter that went back", ra.CodeElementSuspected, func(w *world, p *phone, c *card) ra.KeysClaims {
			k := p.keyClaims()
			k.Ctr = 1
			return k
		}},
		{"a step of another session", ra.CodeStepSignature, func(w *world, p *phone, c *card) ra.KeysClaims {
			k := p.keyClaims()
			p.device = pkitest.ECKey(w.t)
			return k
		}},
		{"a step with another enrolment's id", ra.CodeStepMismatch, func(w *world, p *phone, c *card) ra.KeysClaims {
			k := p.keyClaims()
			k.ID = randomID()
			return k
		}},
		{"a card that went on hold in between", ra.CodeCardHeld, func(w *world, p *phone, c *card) ra.KeysClaims {
			if _, err := c.event(ra.EventCardLost); err != nil {
				w.t.Fatal(err)
			}
			return p.keyClaims()
		}},
		{"a person who moved in between", ra.CodeEnrolmentEnded, func(w *world, p *phone, c *card) ra.KeysClaims {
			if _, err := c.event(ra.EventMoved); err != nil {
				w.t.Fatal(err)
			}
			return p.keyClaims()
		}},
		{"an application that is a day old", ra.CodeEnrolmentEnded, func(w *world, p *phone, c *card) ra.KeysClaims {
			w.now = w.now.Add(24 * time.Hour)
			return p.keyClaims()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			c := w.issueCard("card-1", hanako(), 0)
			p := w.newPhone(2)
			if err := p.apply(c, false); err != nil {
				t.Fatal(err)
			}
			honest := *p
			attack := *p
			claims := tt.do(w, &attack, c)
			wantCode(t, attack.sendKeys(claims), tt.code)
			switch tt.code {
			case ra.CodeCardHeld, ra.CodeEnrolmentEnded:
				return
			}
			honest.ctr = attack.ctr
			if err := honest.keys(); err != nil {
				t.Fatalf("after it, the honest keys are refused: %v", err)
			}
			honest.mustBe(status.Held, status.CertificateHold, status.Unregistered)
		})
	}
}

func TestOtherKeysUnderTheSameIDAreRefused(t *testing.T) {
	w := newWorld(t)
	c := w.issueCard("card-1", hanako(), 0)
	p := w.newPhone(2)
	if err := p.apply(c, false); err != nil {
		t.Fatal(err)
	}
	if err := p.keys(); err != nil {
		t.Fatal(err)
	}
	other := *p
	other.auth, other.sign = pkitest.Key(t, 6), pkitest.Key(t, 7)
	wantCode(t, other.keys(), ra.CodeConflict)
	swapped := *p
	swapped.auth, swapped.sign = p.sign, p.auth
	wantCode(t, swapped.keys(), ra.CodeConflict)
	thief := w.newPhone(4)
	thief.enrol(w.issueCard("card-2", resident("taro", "手形　太郎", time.Date(1970, 5, 5, 0, 0, 0, 0, time.UTC)), 6))
	again := w.newPhone(2) // the keys of p, under another application
	d := resident("jiro", "手形　次郎", time.Date(1971, 5, 5, 0, 0, 0, 0, time.UTC))
	cardKeys := &card{w: w, id: "card-3", person: d, auth: p.auth, sign: p.sign}
	_, err := w.ra.IssueCard(t.Context(), "city", cardKeys.issuance())
	wantCode(t, err, ra.CodeKeyUnsuitable)
	if err := again.apply(c, true); err != nil {
		t.Fatal(err)
	}
	wantCode(t, again.keys(), ra.CodeKeyUnsuitable)
}

func TestRegistrationsThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		code ra.Code
		do   func(w *world, p *phone, c *card) ra.RegisterClaims
	}{
		{"another certificate than the issued one", ra.CodeCertificatesMismatch, func(w *world, p *phone, c *card) ra.RegisterClaims {
			r := p.registerClaims()
			r.AuthSHA256 = strings.Repeat("0", 64)
			return r
		}},
		{"the two certificates swapped", ra.CodeCertificatesMismatch, func(w *world, p *phone, c *card) ra.RegisterClaims {
			r := p.registerClaims()
			r.AuthSHA256, r.SignSHA256 = r.SignSHA256, r.AuthSHA256
			return r
		}},
		{"a lock code under a salt of its own", ra.CodeLockCodeVerifier, func(w *world, p *phone, c *card) ra.RegisterClaims {
			r := p.registerClaims()
			r.LockCodeVerifier.Salt = make([]byte, 16)
			return r
		}},
		{"a lock code that is cheap to guess", ra.CodeLockCodeVerifier, func(w *world, p *phone, c *card) ra.RegisterClaims {
			r := p.registerClaims()
			r.LockCodeVerifier.MemoryKiB--
			return r
		}},
		{"no lock code", ra.CodeLockCodeVerifier, func(w *world, p *phone, c *card) ra.RegisterClaims {
			r := p.registerClaims()
			r.LockCodeVerifier.Hash = []byte{}
			return r
		}},
		{"a step of another session", ra.CodeStepSignature, func(w *world, p *phone, c *card) ra.RegisterClaims {
			r := p.registerClaims()
			p.device = pkitest.ECKey(w.t)
			return r
		}},
		{"a counter that went back", ra.CodeElementSuspected, func(w *world, p *phone, c *card) ra.RegisterClaims {
			r := p.registerClaims()
			r.Ctr = 1
			return r
		}},
		{"a card that went on hold in between", ra.CodeCardHeld, func(w *world, p *phone, c *card) ra.RegisterClaims {
			if _, err := c.event(ra.EventCardLost); err != nil {
				w.t.Fatal(err)
			}
			return p.registerClaims()
		}},
		{"a person who moved in between", ra.CodeEnrolmentEnded, func(w *world, p *phone, c *card) ra.RegisterClaims {
			if _, err := c.event(ra.EventMoved); err != nil {
				w.t.Fatal(err)
			}
			return p.registerClaims()
		}},
		{"the day after", ra.CodeEnrolmentEnded, func(w *world, p *phone, c *card) ra.RegisterClaims {
			w.now = w.now.Add(24 * time.Hour)
			return p.registerClaims()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			c := w.issueCard("card-1", hanako(), 0)
			p := w.newPhone(2)
			if err := p.apply(c, false); err != nil {
				t.Fatal(err)
			}
			wantCode(t, p.register(), ra.CodeStepOutOfOrder)
			if err := p.keys(); err != nil {
				t.Fatal(err)
			}
			attack := *p
			claims := tt.do(w, &attack, c)
			wantCode(t, attack.sendRegister(claims), tt.code)
			if tt.code == ra.CodeEnrolmentEnded {
				return
			}
			p.mustBe(status.Held, status.CertificateHold, status.Unregistered)
			if tt.code == ra.CodeCardHeld {
				if _, err := c.event(ra.EventCardFound); err != nil {
					t.Fatal(err)
				}
			}
			p.ctr = attack.ctr
			if err := p.register(); err != nil {
				t.Fatalf("after it, the honest registration is refused: %v", err)
			}
			p.mustBe(status.Good, 0)
			t.Run("then other content under the same id", func(t *testing.T) {
				r := p.registerClaims()
				r.LockCodeVerifier.Hash[0] ^= 1
				wantCode(t, p.sendRegister(r), ra.CodeConflict)
			})
		})
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
