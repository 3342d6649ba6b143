package element_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"tegata/holder/element"
	"tegata/holder/element/elementtest"
	"tegata/internal/ceremony"
	"tegata/internal/durable"
	"tegata/internal/jws"
)

const (
	ownOrigin = "http://phone.localhost:8403"
	ownRPID   = "phone.localhost"
)

// biometricBench is a registered element whose holder enrolled a finger at noon
// in Japan.
func biometricBench(t *testing.T) (*bench, *elementtest.Finger) {
	t.Helper()
	b := newBench(t)
	b.now = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	b.config.Origin = ownOrigin
	b.restart()
	b.enrol()
	f := elementtest.NewFinger()
	b.enrolFinger(f)
	return b, f
}

func (b *bench) enrolFinger(f *elementtest.Finger) {
	b.t.Helper()
	c, err := b.el.BeginBiometrics(pin(b.t, "4826"))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.el.EnrolBiometrics(f.Create(b.t, c, ownOrigin)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) challenge() element.Challenge {
	b.t.Helper()
	c, err := b.el.Challenge(request())
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// touch unlocks for the request of these tests.
func (b *bench) touch(a *element.Assertion) (*element.Session, error) {
	return b.el.Unlock(element.Unlock{Assertion: a, Request: request()})
}

func TestAFingerStandsForThePIN(t *testing.T) {
	for _, kind := range []virtualwebauthn.KeyType{virtualwebauthn.KeyTypeEC2, virtualwebauthn.KeyTypeRSA} {
		t.Run(string(kind), func(t *testing.T) {
			b, _ := biometricBench(t)
			f := &elementtest.Finger{Credential: virtualwebauthn.NewCredential(kind)}
			b.enrolFinger(f) // takes the place of the first
			b.restart()
			b.now = b.now.Add(time.Hour)
			ctr := b.el.Counter()
			s, err := b.touch(f.Get(t, b.challenge(), ownOrigin))
			if err != nil {
				t.Fatal(err)
			}
			if !b.el.LastUnlock().Equal(b.now) || b.el.Counter() <= ctr || b.el.Biometrics().Tries != 5 {
				t.Errorf("last unlock %v, counter %d after %d, %+v", b.el.LastUnlock(), b.el.Counter(), ctr, b.el.Biometrics())
			}
			if s.Which() != element.PIN {
				t.Errorf("opened the key of %s", s.Which())
			}
			if _, err := s.CMS([]byte("a contract"), true); !errors.Is(err, element.ErrWrongKind) {
				t.Errorf("the signature key under a finger: %v", err)
			}
			other := answer()
			other.Request = jws.Hash("another request")
			if _, err := s.Answer(other); !errors.Is(err, element.ErrSession) {
				t.Errorf("an answer to another request than the challenge was for: %v", err)
			}
			compact, err := s.Answer(answer())
			if err != nil {
				t.Fatal(err)
			}
			m, err := ceremony.ParseAnswer(compact)
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.Verify()
			if err != nil || fmt.Sprint(got.AMR) != "[user swk mfa]" {
				t.Errorf("amr %v, %v", got.AMR, err)
			}
		})
	}
}

// Each is signed by the enrolled key, but for what says otherwise: a page that
// was tricked, a browser that lies, another program on the same platform.
func TestEveryFieldOfAnAssertionCounts(t *testing.T) {
	clientData := func(a *element.Assertion, change func(map[string]any)) {
		var members map[string]any
		if err := json.Unmarshal(a.ClientData, &members); err != nil {
			t.Fatal(err)
		}
		change(members)
		var err error
		if a.ClientData, err = json.Marshal(members); err != nil {
			t.Fatal(err)
		}
	}
	set := func(name string, v any) func(*elementtest.Finger, *element.Assertion) {
		return func(f *elementtest.Finger, a *element.Assertion) {
			clientData(a, func(m map[string]any) { m[name] = v })
			f.Sign(t, a)
		}
	}
	data := func(change func([]byte) []byte) func(*elementtest.Finger, *element.Assertion) {
		return func(f *elementtest.Finger, a *element.Assertion) {
			a.AuthenticatorData = change(bytes.Clone(a.AuthenticatorData))
			f.Sign(t, a)
		}
	}
	flags := func(v byte) func(*elementtest.Finger, *element.Assertion) {
		return data(func(d []byte) []byte { d[32] = v; return d })
	}
	rpID := func(name string) func(*elementtest.Finger, *element.Assertion) {
		return data(func(d []byte) []byte { h := sha256.Sum256([]byte(name)); copy(d, h[:]); return d })
	}
	const up, uv, be, bs, at, ed = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
	for _, c := range []struct {
		name  string
		spoil func(*elementtest.Finger, *element.Assertion)
	}{
		{"of the type of an enrolment", set("type", "webauthn.create")},
		{"of a payment's type", set("type", "payment.get")},
		{"without a type", set("type", "")},
		{"over another challenge", set("challenge", base64.RawURLEncoding.EncodeToString(make([]byte, 32)))},
		{"over an empty challenge", set("challenge", "")},
		{"with a padded challenge", func(f *elementtest.Finger, a *element.Assertion) {
			clientData(a, func(m map[string]any) { m["challenge"] = m["challenge"].(string) + "=" })
			f.Sign(t, a)
		}},
		{"from another origin", set("origin", "http://portal.localhost:8404")},
		{"from another port", set("origin", "http://phone.localhost:8404")},
		{"from an origin that begins alike", set("origin", "http://phone.localhost:84033")},
		{"from a path", set("origin", "http://phone.localhost:8403/")},
		{"from an origin in capitals", set("origin", "http://PHONE.localhost:8403")},
		{"from another scheme", set("origin", "https://phone.localhost:8403")},
		{"from an app", set("origin", "android:apk-key-hash:AAAA")},
		{"from no origin", set("origin", nil)},
		{"in another site's frame", set("crossOrigin", true)},
		{"in a frame that calls itself none", set("topOrigin", "http://street.localhost:8400")},
		{"with crossOrigin that is no truth", set("crossOrigin", "false")},
		{"with client data that are no JSON", func(f *elementtest.Finger, a *element.Assertion) {
			a.ClientData = append(bytes.Clone(a.ClientData), '}')
			f.Sign(t, a)
		}},
		{"with client data of a megabyte", set("filler", string(bytes.Repeat([]byte("x"), 1<<20)))},
		{"for another relying party", rpID("portal.localhost")},
		{"for the parent domain", rpID("localhost")},
		{"by an app id", rpID(ownOrigin)},
		{"with nobody present", flags(uv)},
		{"with nobody recognised", flags(up)},
		{"with neither", flags(0)},
		{"by a key that can be backed up", flags(up | uv | be)},
		{"by a key that was backed up", flags(up | uv | be | bs)},
		{"by a key that was backed up and never could be", flags(up | uv | bs)},
		{"with attested data that are not there", flags(up | uv | at)},
		{"with extensions that are not there", flags(up | uv | ed)},
		{"with extensions", data(func(d []byte) []byte { d[32] |= ed; return append(d, 0xA0) })},
		{"with data after the end", data(func(d []byte) []byte { return append(d, 0) })},
		{"with data cut short", data(func(d []byte) []byte { return d[:36] })},
		{"with no data", data(func([]byte) []byte { return nil })},
		{"by another credential's id", func(_ *elementtest.Finger, a *element.Assertion) { a.ID = elementtest.NewFinger().Credential.ID }},
		{"by no credential", func(_ *elementtest.Finger, a *element.Assertion) { a.ID = nil }},
		{"by a part of the credential's id", func(_ *elementtest.Finger, a *element.Assertion) { a.ID = a.ID[:16] }},
		{"by another key under its id", func(_ *elementtest.Finger, a *element.Assertion) { elementtest.NewFinger().Sign(t, a) }},
		{"by an RSA key under its id", func(_ *elementtest.Finger, a *element.Assertion) {
			(&elementtest.Finger{Credential: virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeRSA)}).Sign(t, a)
		}},
		{"without a signature", func(_ *elementtest.Finger, a *element.Assertion) { a.Signature = nil }},
		{"with bytes after its signature", func(_ *elementtest.Finger, a *element.Assertion) { a.Signature = append(a.Signature, 0) }},
		{"with changed client data under the old signature", func(_ *elementtest.Finger, a *element.Assertion) {
			clientData(a, func(m map[string]any) { m["more"] = 1 })
		}},
		{"with a raised counter under the old signature", func(_ *elementtest.Finger, a *element.Assertion) { a.AuthenticatorData[36]++ }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, f := biometricBench(t)
			a := f.Get(t, b.challenge(), ownOrigin)
			c.spoil(f, a)
			before := b.el.LastUnlock()
			b.now = b.now.Add(time.Second)
			s, err := b.touch(a)
			refused, ok := errors.AsType[*element.BiometricError](err)
			if s != nil || !ok || refused.TriesLeft != 4 {
				t.Fatalf("got %v, %v", s, err)
			}
			if !b.el.LastUnlock().Equal(before) || b.el.Biometrics().Tries != 4 {
				t.Error("a refused assertion counted as an unlock, or gave its try back")
			}
		})
	}
}

func TestTamperingWithAnyByteOfAnAssertionIsNoticed(t *testing.T) {
	b, f := biometricBench(t)
	flipped := 0
	for _, part := range []func(*element.Assertion) []byte{
		func(a *element.Assertion) []byte { return a.ID },
		func(a *element.Assertion) []byte { return a.ClientData },
		func(a *element.Assertion) []byte { return a.AuthenticatorData },
		func(a *element.Assertion) []byte { return a.Signature },
	} {
		for i := 0; ; i++ {
			a := f.Get(t, b.challenge(), ownOrigin)
			if i >= len(part(a)) {
				break
			}
			part(a)[i] ^= 1 << (i % 8)
			if _, err := b.touch(a); err == nil {
				t.Fatalf("byte %d was changed and nobody noticed", i)
			}
			flipped++
			if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")}); err != nil { // gives the tries back
				t.Fatal(err)
			}
		}
	}
	if flipped < 250 {
		t.Errorf("only %d bytes were tried", flipped)
	}
}

func TestAChallengeIsForOneUnlockOfOneRequest(t *testing.T) {
	b, f := biometricBench(t)
	good := f.Get(t, b.challenge(), ownOrigin)
	if _, err := b.touch(good); err != nil {
		t.Fatal(err)
	}
	refuse := func(name string, a *element.Assertion, request string) {
		t.Helper()
		if _, err := b.el.Unlock(element.Unlock{Assertion: a, Request: request}); !errors.Is(err, element.ErrChallenge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	refuse("replayed", good, request())
	b.challenge()
	refuse("replayed under a new challenge", good, request())

	a := f.Get(t, b.challenge(), ownOrigin)
	refuse("for another request", a, jws.Hash("another request"))
	refuse("and then for its own: it was used up", a, request())

	a = f.Get(t, b.challenge(), ownOrigin)
	b.now = b.now.Add(time.Minute)
	refuse("after a minute", a, request())

	a = f.Get(t, b.challenge(), ownOrigin)
	b.restart()
	refuse("after a restart", a, request())
	if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")}); err != nil { // the tries again
		t.Fatal(err)
	}

	first := f.Get(t, b.challenge(), ownOrigin)
	second := f.Get(t, b.challenge(), ownOrigin)
	refuse("a challenge that another took the place of", first, request())
	refuse("and that other one, spoiled by it", second, request())

	for _, hash := range []string{"", "short", jws.Hash("x") + "=", jws.Hash("x")[1:]} {
		if _, err := b.el.Challenge(hash); err == nil {
			t.Errorf("a challenge for the hash %q", hash)
		}
	}
}

// An authenticator that counts must count on; one that does not stays at zero.
func TestACounterThatGoesBackIsACopy(t *testing.T) {
	for _, c := range []struct {
		name        string
		first, then uint32
		ok          bool
	}{
		{"it does not count", 0, 0, true},
		{"it counts on", 7, 8, true},
		{"it begins to count", 0, 1, true},
		{"it stands still", 7, 7, false},
		{"it goes back", 7, 6, false},
		{"it stops counting", 7, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, f := biometricBench(t)
			for i, count := range []uint32{c.first, c.then} {
				a := f.Get(t, b.challenge(), ownOrigin)
				binary.BigEndian.PutUint32(a.AuthenticatorData[33:], count)
				f.Sign(t, a)
				_, err := b.touch(a)
				if want := i == 0 || c.ok; (err == nil) != want {
					t.Errorf("counter %d: %v", count, err)
				}
				b.restart()
			}
		})
	}
}

func TestFiveFailuresThenThePIN(t *testing.T) {
	b, f := biometricBench(t)
	for left := 4; left >= 0; left-- {
		c := b.challenge()
		if c.TriesLeft != left {
			t.Fatalf("%d tries left, want %d", c.TriesLeft, left)
		}
		if left%2 == 0 { // nobody answered: the platform did not know the finger
			b.restart()
			continue
		}
		if _, err := b.touch(elementtest.NewFinger().Get(t, c, ownOrigin)); err == nil {
			t.Fatal("a strange finger passed")
		}
	}
	if _, err := b.el.Challenge(request()); !errors.Is(err, element.ErrBiometricOut) {
		t.Errorf("a sixth try: %v", err)
	}
	if got := b.el.Biometrics(); !errors.Is(got.Refused, element.ErrBiometricOut) || !got.Enrolled {
		t.Errorf("got %+v", got)
	}
	if _, err := b.el.Unlock(element.Unlock{Password: password(t, "TEGATA26")}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.el.Challenge(request()); !errors.Is(err, element.ErrBiometricOut) {
		t.Errorf("after the password, which is not the PIN: %v", err)
	}
	if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.touch(f.Get(t, b.challenge(), ownOrigin)); err != nil {
		t.Errorf("after the PIN: %v", err)
	}
}

// The fifth try counts as the others do: a finger that is known at last opens.
func TestTheLastTryOpens(t *testing.T) {
	b, f := biometricBench(t)
	for range 4 {
		b.challenge()
	}
	if _, err := b.touch(f.Get(t, b.challenge(), ownOrigin)); err != nil || b.el.Biometrics().Tries != 5 {
		t.Errorf("%v, %+v", err, b.el.Biometrics())
	}
}

func TestThePINIsNeededEveryThreeDays(t *testing.T) {
	b, f := biometricBench(t)
	begun := b.now
	for _, c := range []struct {
		after time.Duration
		ok    bool
	}{{71 * time.Hour, true}, {72*time.Hour - time.Second, true}, {72 * time.Hour, false}, {100 * time.Hour, false}, {-time.Second, false}} {
		b.now = begun.Add(c.after)
		challenge, err := b.el.Challenge(request())
		if !c.ok {
			if !errors.Is(err, element.ErrPINLongAgo) {
				t.Errorf("%v after the PIN: %v", c.after, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v after the PIN: %v", c.after, err)
			continue
		}
		if _, err := b.touch(f.Get(t, challenge, ownOrigin)); err != nil { // a finger renews nothing of it
			t.Errorf("%v after the PIN: %v", c.after, err)
		}
	}
	b.now = begun.Add(72*time.Hour - 10*time.Second)
	a := f.Get(t, b.challenge(), ownOrigin)
	b.now = begun.Add(72 * time.Hour)
	if _, err := b.touch(a); !errors.Is(err, element.ErrPINLongAgo) {
		t.Errorf("asked before, answered after: %v", err)
	}
	if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.touch(f.Get(t, b.challenge(), ownOrigin)); err != nil {
		t.Errorf("after the PIN: %v", err)
	}
}

func TestQuietHours(t *testing.T) {
	b, f := biometricBench(t)
	japan := time.FixedZone("", 9*60*60)
	clock := func(day, hour, minute, second int) {
		b.now = time.Date(2026, 11, day, hour, minute, second, 0, japan)
	}
	ask := func() error { _, err := b.el.Challenge(request()); return err }
	for _, c := range []struct {
		day, hour, minute, second int
		quiet                     bool
	}{
		{22, 22, 59, 59, false}, {22, 23, 0, 0, true}, {23, 0, 0, 0, true}, {23, 5, 59, 59, true}, {23, 6, 0, 0, false},
	} {
		clock(c.day, c.hour, c.minute, c.second)
		if err := ask(); errors.Is(err, element.ErrQuietHours) != c.quiet || err != nil && !c.quiet {
			t.Errorf("%02d:%02d: %v", c.hour, c.minute, err)
		}
	}
	clock(23, 22, 59, 50)
	a := f.Get(t, b.challenge(), ownOrigin)
	clock(23, 23, 0, 0)
	if _, err := b.touch(a); !errors.Is(err, element.ErrQuietHours) {
		t.Errorf("asked before, answered after: %v", err)
	}
	if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")}); err != nil { // the PIN opens at any hour
		t.Fatal(err)
	}
	if err := b.el.SetQuiet(pin(t, "0001"), element.Quiet{}); err == nil || !errors.Is(ask(), element.ErrQuietHours) {
		t.Errorf("the hours were changed without the PIN: %v", err)
	}
	if err := b.el.SetQuiet(pin(t, "4826"), element.Quiet{From: -1, To: 1440}); err == nil {
		t.Error("hours that no day has")
	}
	if err := b.el.SetQuiet(pin(t, "4826"), element.Quiet{From: 13 * 60, To: 15 * 60}); err != nil {
		t.Fatal(err)
	}
	b.restart()
	if err := ask(); err != nil {
		t.Errorf("at night, which is not quiet any more: %v", err)
	}
	clock(24, 14, 0, 0)
	if err := ask(); !errors.Is(err, element.ErrQuietHours) {
		t.Errorf("in the hours chosen: %v", err)
	}
	if err := b.el.SetQuiet(pin(t, "4826"), element.Quiet{}); err != nil || ask() != nil {
		t.Errorf("none: %v", err)
	}
}

func TestABlockedPINIsNotOpenedByAFinger(t *testing.T) {
	b, f := biometricBench(t)
	a := f.Get(t, b.challenge(), ownOrigin)
	for range 3 {
		b.el.Unlock(element.Unlock{PIN: pin(t, "0001")})
	}
	blocked := func(err error) bool {
		wrong, ok := errors.AsType[*element.SecretError](err)
		return ok && wrong.Which == element.PIN && wrong.TriesLeft == 0
	}
	if _, err := b.touch(a); !blocked(err) {
		t.Errorf("asked before it was blocked: %v", err)
	}
	if _, err := b.el.Challenge(request()); !blocked(err) {
		t.Errorf("asked after: %v", err)
	}
	if _, err := b.el.BeginBiometrics(pin(t, "4826")); !blocked(err) {
		t.Errorf("another finger: %v", err)
	}
}

func TestWhatForgetsAFinger(t *testing.T) {
	for name, forget := range map[string]func(*bench) error{
		"stopping": func(b *bench) error { return b.el.StopBiometrics() },
		"a factory reset": func(b *bench) error {
			err := b.el.Reset()
			b.enrol()
			return err
		},
		"another registration": func(b *bench) error {
			b.enrol()
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, f := biometricBench(t)
			a := f.Get(t, b.challenge(), ownOrigin)
			if err := forget(b); err != nil {
				t.Fatal(err)
			}
			if _, err := b.touch(a); !errors.Is(err, element.ErrNoBiometrics) {
				t.Errorf("unlock: %v", err)
			}
			b.restart()
			if _, err := b.el.Challenge(request()); !errors.Is(err, element.ErrNoBiometrics) {
				t.Errorf("challenge: %v", err)
			}
		})
	}
}

func TestEnrolment(t *testing.T) {
	b, old := biometricBench(t)
	begin := func() element.Creation {
		t.Helper()
		c, err := b.el.BeginBiometrics(pin(t, "4826"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if _, err := b.el.BeginBiometrics(pin(t, "0001")); err == nil {
		t.Error("begun without the PIN")
	}
	for _, c := range []struct {
		name string
		made func() element.Attestation
		want error
	}{
		{"a key that another device can have", func() element.Attestation {
			return (&elementtest.Finger{Credential: elementtest.NewFinger().Credential, Options: virtualwebauthn.AuthenticatorOptions{BackupEligible: true}}).Create(t, begin(), ownOrigin)
		}, element.ErrNotPlatform},
		{"a key that another device has", func() element.Attestation {
			return (&elementtest.Finger{Credential: elementtest.NewFinger().Credential, Options: virtualwebauthn.AuthenticatorOptions{BackupEligible: true, BackupState: true}}).Create(t, begin(), ownOrigin)
		}, element.ErrNotPlatform},
		{"a security key", func() element.Attestation {
			a := elementtest.NewFinger().Create(t, begin(), ownOrigin)
			a.Attachment = "cross-platform"
			return a
		}, element.ErrNotPlatform},
		{"nobody recognised", func() element.Attestation {
			return (&elementtest.Finger{Credential: elementtest.NewFinger().Credential, Options: virtualwebauthn.AuthenticatorOptions{UserNotVerified: true}}).Create(t, begin(), ownOrigin)
		}, element.ErrNotEnrollable},
		{"nobody present", func() element.Attestation {
			return (&elementtest.Finger{Credential: elementtest.NewFinger().Credential, Options: virtualwebauthn.AuthenticatorOptions{UserNotPresent: true}}).Create(t, begin(), ownOrigin)
		}, element.ErrNotEnrollable},
		{"on another site's page", func() element.Attestation {
			return elementtest.NewFinger().Create(t, begin(), "http://street.localhost:8400")
		}, element.ErrNotEnrollable},
		{"for another relying party", func() element.Attestation {
			c := begin()
			c.RPID = "street.localhost"
			return elementtest.NewFinger().Create(t, c, ownOrigin)
		}, element.ErrNotEnrollable},
		{"over another challenge", func() element.Attestation {
			c := begin()
			c.Challenge = make([]byte, 32)
			return elementtest.NewFinger().Create(t, c, ownOrigin)
		}, element.ErrNotEnrollable},
		{"an assertion in its place", func() element.Attestation {
			c := begin()
			a := elementtest.NewFinger().Create(t, c, ownOrigin)
			a.ClientData = old.Get(t, element.Challenge{Challenge: c.Challenge, RPID: c.RPID}, ownOrigin).ClientData
			return a
		}, element.ErrNotEnrollable},
		{"cut short", func() element.Attestation {
			a := elementtest.NewFinger().Create(t, begin(), ownOrigin)
			a.Object = a.Object[:len(a.Object)-1]
			return a
		}, element.ErrNotEnrollable},
		{"too late", func() element.Attestation {
			c := begin()
			b.now = b.now.Add(2 * time.Minute)
			return elementtest.NewFinger().Create(t, c, ownOrigin)
		}, element.ErrChallenge},
		{"not asked for", func() element.Attestation {
			return elementtest.NewFinger().Create(t, element.Creation{Challenge: make([]byte, 32), RPID: ownRPID}, ownOrigin)
		}, element.ErrChallenge},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := b.el.EnrolBiometrics(c.made()); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if _, err := b.touch(old.Get(t, b.challenge(), ownOrigin)); err != nil {
				t.Errorf("the finger enrolled before: %v", err)
			}
		})
	}
	a := elementtest.NewFinger().Create(t, begin(), ownOrigin)
	if err := b.el.EnrolBiometrics(a); err != nil {
		t.Fatal(err)
	}
	if err := b.el.EnrolBiometrics(a); !errors.Is(err, element.ErrChallenge) {
		t.Errorf("enrolled twice under one PIN: %v", err)
	}
	if _, err := b.touch(old.Get(t, b.challenge(), ownOrigin)); err == nil {
		t.Error("the credential that was replaced still opens")
	}
}

func TestWithoutAPageNothingIsOffered(t *testing.T) {
	b := newBench(t)
	b.enrol()
	if _, err := b.el.BeginBiometrics(pin(t, "4826")); !errors.Is(err, element.ErrNotOffered) {
		t.Errorf("begin: %v", err)
	}
	if _, err := b.el.Challenge(request()); !errors.Is(err, element.ErrNotOffered) {
		t.Errorf("challenge: %v", err)
	}
	if got := b.el.Biometrics(); got.Offered || got.Enrolled {
		t.Errorf("got %+v", got)
	}
}

// A pulled plug costs a try, never gives one, and leaves the finger enrolled or
// not.
func TestKilledAroundAnyWriteOfBiometrics(t *testing.T) {
	b, f := biometricBench(t)
	b.el.Close()
	home, moments := b.config.Dir, 0
	live := func(dieAt int) (dir string, died bool) {
		dir = filepath.Join(t.TempDir(), "element")
		if err := os.CopyFS(dir, os.DirFS(home)); err != nil {
			t.Fatal(err)
		}
		b.config.Dir, moments = dir, 0
		b.config.Files = durable.Files{Hook: func(durable.Moment) {
			if moments++; moments == dieAt {
				panic("killed")
			}
		}}
		el, err := element.Open(b.config)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if died = recover() != nil; died || !t.Failed() {
				el.Close()
			}
		}()
		b.el = el
		b.challenge()
		if _, err := b.touch(f.Get(t, b.challenge(), ownOrigin)); err != nil {
			t.Fatal(err)
		}
		b.challenge()
		if err := el.StopBiometrics(); err != nil {
			t.Fatal(err)
		}
		return dir, false
	}
	_, died := live(0)
	all := moments
	if died || all < 8 {
		t.Fatalf("%d moments", all)
	}
	for at := 1; at <= all; at++ {
		dir, died := live(at)
		if !died {
			t.Fatalf("moment %d did not come", at)
		}
		b.config.Dir, b.config.Files = dir, durable.Files{}
		el, err := element.Open(b.config)
		if err != nil {
			t.Fatalf("moment %d: %v", at, err)
		}
		got := el.Biometrics()
		if got.Enrolled && (got.Tries < 3 || got.Tries > 5) || el.Tries(element.PIN) != 3 {
			t.Errorf("moment %d: %+v, %d tries of the PIN", at, got, el.Tries(element.PIN))
		}
		if _, err := el.Unlock(element.Unlock{PIN: pin(t, "4826")}); err != nil {
			t.Errorf("moment %d: the PIN: %v", at, err)
		}
		el.Close()
	}
}

// Whatever a browser hands over, the element says yes or no.
func FuzzEnrolBiometrics(f *testing.F) {
	c := element.Creation{Challenge: make([]byte, 32), RPID: ownRPID}
	good := elementtest.NewFinger().Create(f, c, ownOrigin)
	f.Add(good.ClientData, good.Object)
	f.Add([]byte("{}"), []byte{0xA0})
	f.Fuzz(func(t *testing.T, clientData, object []byte) {
		element.CheckAttestation(element.Attestation{ClientData: clientData, Object: object, Attachment: "platform"}, c.Challenge, ownOrigin, ownRPID)
	})
}
