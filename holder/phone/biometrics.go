package phone

import (
	"context"
	"errors"
	"fmt"

	"tegata/holder/element"
	"tegata/internal/problem"
	"tegata/internal/secret"
)

const (
	usePINJA, usePINEN = "証明書は使われていません。スマホの暗証番号（4けた）を使ってください。", "Your certificate was not used. Use the phone's PIN."
)

// What biometrics can be refused for.
var (
	ErrBiometricsNotOffered = problem.NewRefused(409, "biometrics-not-offered",
		"このスマホでは、画面ロック（指紋・顔など）を使えません。", usePINJA,
		"This phone does not offer its screen lock (finger, face).", usePINEN)
	ErrNoBiometrics = problem.NewYourTurn(409, "no-biometrics",
		"画面ロック（指紋・顔など）は登録されていません。", "暗証番号を使うか、「生体認証の利用」で登録してください。",
		"No screen lock (finger, face) is registered.", "Use the PIN, or register it under \"Biometrics\".")
	ErrBiometricsFailed = problem.NewYourTurn(403, "biometrics-failed",
		"画面ロック（指紋・顔など）で確認できませんでした。", "証明書は使われていません。もう一度ためすか、暗証番号を使ってください。",
		"The screen lock (finger, face) did not confirm that it is you.", "Your certificate was not used. Try again, or use the PIN.")
	ErrBiometricsOut = problem.NewYourTurn(403, "biometrics-out-of-tries",
		"画面ロック（指紋・顔など）で5回続けて確認できませんでした。", usePINJA+"暗証番号が合うと、また使えます。",
		"The screen lock (finger, face) failed five times in a row.", usePINEN+" After that it can be used again.")
	ErrBiometricsPIN = problem.NewYourTurn(403, "pin-needed-again",
		"3日（72時間）に1度は、暗証番号が必要です。", usePINJA+"そのあとは、また画面ロックを使えます。",
		"The PIN is needed once in three days (72 hours).", usePINEN+" After that the screen lock can be used again.")
	ErrBiometricsQuiet = problem.NewYourTurn(403, "biometrics-quiet-hours",
		"いまの時間帯は、画面ロック（指紋・顔など）を使えません。", usePINJA+"時間帯は「認証方法の設定」で変えられます。",
		"The screen lock (finger, face) is not used at this hour.", usePINEN+" The hours are set under \"Ways of unlocking\".")
	ErrBiometricsNotHere = problem.NewYourTurn(403, "biometrics-not-for-this",
		"この手続きには、署名用パスワードが必要です。", "証明書は使われていません。画面ロック（指紋・顔など）や4けたの暗証番号では進めません。",
		"This needs the signature password.", "Your certificate was not used. Neither the screen lock nor the PIN will do.")
	ErrBiometricsLate = problem.NewYourTurn(410, "biometrics-late",
		"画面ロックの確認に時間がかかりすぎました。", "何も変わっていません。もう一度はじめから行ってください。",
		"The screen lock took too long.", "Nothing has changed. Begin again.")
	ErrCredentialCopied = problem.NewRefused(422, "credential-not-on-device",
		"この端末の外へ持ち出せる鍵なので、登録できません。", "何も変わっていません。ほかの端末と同期されるパスキーや、差し込む鍵は使えません。この端末だけの画面ロックを選んでください。",
		"This key can leave this device and cannot be registered.", "Nothing has changed. Passkeys that are synchronised and security keys cannot be used; choose this device's own screen lock.")
	ErrCredential = problem.NewRefused(422, "credential-refused",
		"画面ロック（指紋・顔など）を登録できませんでした。", "何も変わっていません。端末に画面ロックが設定されているか確かめて、もう一度はじめから行ってください。",
		"The screen lock (finger, face) could not be registered.", "Nothing has changed. See that the device has a screen lock, and begin again.")
)

// biometricProblem turns what the element says about biometrics into our words.
// Other errors pass through.
func biometricProblem(err error) error {
	refused, spent := errors.AsType[*element.BiometricError](err)
	if spent && refused.TriesLeft == 0 {
		return ErrBiometricsOut.Because(err)
	}
	for _, c := range []struct {
		is error
		p  *problem.Problem
	}{
		{element.ErrNotOffered, ErrBiometricsNotOffered}, {element.ErrNoBiometrics, ErrNoBiometrics},
		{element.ErrBiometricOut, ErrBiometricsOut}, {element.ErrPINLongAgo, ErrBiometricsPIN},
		{element.ErrQuietHours, ErrBiometricsQuiet}, {element.ErrNotPlatform, ErrCredentialCopied},
		{element.ErrNotEnrollable, ErrCredential}, {element.ErrChallenge, ErrBiometricsLate}, {element.ErrHours, ErrSetting},
	} {
		if errors.Is(err, c.is) {
			return c.p.Because(err)
		}
	}
	if spent {
		return ErrBiometricsFailed.Because(err)
	}
	return err
}

// Biometrics are the state of unlocking by the platform's lock.
type Biometrics struct {
	element.Biometrics
	Preferred bool             // asked for before the PIN
	Why       *problem.Problem // why only the PIN unlocks now; nil when biometrics do
}

func (p *Phone) biometrics(r Record) Biometrics {
	b := Biometrics{Biometrics: p.element.Biometrics()}
	b.Preferred = b.Enrolled && r.Prefer == PreferLock
	if b.Refused != nil {
		b.Why = problem.From(secretProblem(b.Refused))
	}
	return b
}

// The ways of unlocking that a holder may prefer.
const (
	PreferPIN  = "pin"
	PreferLock = "lock" // the platform's: finger, face
)

// Prefer chooses which way of unlocking is asked for first (認証方法の設定). The
// other one stays. ErrNoBiometrics for what is not enrolled.
func (p *Phone) Prefer(ctx context.Context, way string) error {
	p.work.Lock()
	defer p.work.Unlock()
	r, err := p.powered(ctx)
	switch {
	case err != nil:
		return err
	case way != PreferPIN && way != PreferLock:
		return ErrSetting
	case way == PreferLock && !p.element.Biometrics().Enrolled:
		return ErrNoBiometrics
	}
	r.Prefer = way
	if err := p.store().PutPhone(ctx, r); err != nil {
		return fmt.Errorf("phone: settings: %w", err)
	}
	return nil
}

// BeginBiometrics compares the PIN and begins to enrol the platform's lock
// (生体認証の利用). EnrolBiometrics ends it, within two minutes.
func (p *Phone) BeginBiometrics(ctx context.Context, pin secret.PIN) (element.Creation, error) {
	p.work.Lock()
	defer p.work.Unlock()
	if _, err := p.powered(ctx); err != nil {
		return element.Creation{}, err
	}
	c, err := p.element.BeginBiometrics(pin)
	if err != nil {
		return c, p.notUnlocked(ctx, err)
	}
	return c, nil
}

// EnrolBiometrics keeps the credential that the platform made.
func (p *Phone) EnrolBiometrics(ctx context.Context, a element.Attestation) error {
	return p.change(ctx, UseBiometrics, func() error { return p.element.EnrolBiometrics(a) })
}

// BiometricsCancelled writes down that the platform made no credential, because its person
// cancelled or it could not: only the page heard. It returns the problem.
func (p *Phone) BiometricsCancelled(ctx context.Context) error {
	return p.change(ctx, UseBiometrics, func() error { return ErrCredential })
}

// StopBiometrics forgets it. It needs no secret: only the PIN unlocks then.
func (p *Phone) StopBiometrics(ctx context.Context) error {
	return p.change(ctx, UseBiometricsStopped, p.element.StopBiometrics)
}

// SetQuiet changes the hours in which biometrics do not unlock, under the PIN.
func (p *Phone) SetQuiet(ctx context.Context, pin secret.PIN, q element.Quiet) error {
	return p.change(ctx, UseQuietHours, func() error { return p.element.SetQuiet(pin, q) })
}

// change does something to the element and writes it into the history: that it is
// about to be done first, because what cannot be written there must not happen.
func (p *Phone) change(ctx context.Context, kind string, do func() error) error {
	p.work.Lock()
	defer p.work.Unlock()
	if _, err := p.powered(ctx); err != nil {
		return err
	}
	use := Use{Kind: kind, Result: ResultPending}
	if err := p.note(ctx, &use); err != nil {
		return err
	}
	use.Result = ResultDone
	err := secretProblem(do())
	if err != nil {
		prob := problem.From(err)
		use.Result, use.Code, use.Why = ResultFailed, prob.Code, sentence(prob)
	}
	if noted := p.note(ctx, &use); noted != nil {
		return noted
	}
	return err
}

// Challenge begins an unlock by the platform's lock for a fetched request, or,
// when ask is "", for its own sake. ErrBiometricsNotHere for what needs the
// password.
func (p *Phone) Challenge(ctx context.Context, ask string) (element.Challenge, error) {
	p.work.Lock()
	defer p.work.Unlock()
	if _, err := p.powered(ctx); err != nil {
		return element.Challenge{}, err
	}
	hash := element.Touch()
	if ask != "" {
		a, err := p.asking(ctx, func(a Asking) bool { return a.ID == ask && a.Request != "" })
		if err != nil {
			return element.Challenge{}, err
		}
		w, err := p.parts(ctx, a)
		if err != nil {
			return element.Challenge{}, err
		}
		if w.secret() != element.PIN {
			return element.Challenge{}, ErrBiometricsNotHere
		}
		if w.demand != "" {
			return element.Challenge{}, ErrPINChosen
		}
		hash = w.message.Hash()
	}
	c, err := p.element.Challenge(hash)
	return c, secretProblem(err)
}

// BiometricsFailed writes down that the platform's lock did not confirm who is
// there, which only its page heard, and returns the problem. The try was counted
// when it was begun.
func (p *Phone) BiometricsFailed(ctx context.Context) error {
	p.work.Lock()
	defer p.work.Unlock()
	var err error = ErrBiometricsFailed
	if refused := p.element.Biometrics().Refused; refused != nil {
		err = refused
	}
	return p.notUnlocked(ctx, err)
}

// UnlockWith is Unlock by the platform's lock.
func (p *Phone) UnlockWith(ctx context.Context, a element.Assertion) error {
	return p.touch(ctx, element.Unlock{Assertion: &a, Request: element.Touch()})
}
