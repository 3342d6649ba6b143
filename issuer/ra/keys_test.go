package ra_test

import (
	"strings"
	"testing"
	"time"

	"tegata/internal/attest"
	"tegata/internal/pkitest"
	"tegata/issuer/ra"
	"tegata/issuer/status"
)

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
