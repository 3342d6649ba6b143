package phone

import (
	"errors"

	"tegata/holder/eid"
	"tegata/holder/element"
	"tegata/holder/reader"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/issuer/ra"
)

// What keeps the phone from doing anything.
var (
	ErrNoPhone = problem.NewRefused(404, "no-such-phone",
		"このスマホはありません。", "スマホの一覧から選び直してください。",
		"There is no such phone.", "Choose one from the list of phones.")
	ErrPhoneExists = problem.NewRefused(409, "phone-exists",
		"その名前のスマホはもうあります。", "別の名前にしてください。",
		"There is a phone of that name already.", "Choose another name.")
	ErrPhoneName = problem.NewYourTurn(400, "phone-name",
		"スマホの名前に使えない文字があります。", "英小文字・数字・ハイフンで32文字までにしてください。",
		"This cannot be the name of a phone.", "Use 1 to 32 of a-z, 0-9 and hyphens.")
	ErrPowerOff = problem.NewYourTurn(409, "power-off",
		"スマホの電源が切れています。", "電源を入れてから、もう一度お試しください。",
		"The phone is switched off.", "Switch it on and try again.")
	ErrNoNetwork = problem.NewCouldNotCheck("no-network",
		"スマホがネットワークにつながっていません。", "何も変わっていません。ネットワークにつないで、もう一度お試しください。",
		"The phone is not connected.", "Nothing has changed. Connect it and try again.")
	ErrNoNFC = problem.NewYourTurn(409, "nfc-off",
		"NFC（かざす機能）がオフになっています。", "スマホの設定でNFCをオンにして、もう一度カードをかざしてください。",
		"NFC is switched off.", "Switch NFC on in the phone's settings and hold the card to it again.")
	ErrSetting = problem.NewYourTurn(400, "setting-unknown",
		"この設定は選べません。", "一覧から選び直してください。",
		"This cannot be chosen.", "Choose one from the list.")
)

// What a card can be refused for.
var (
	ErrNoCard = problem.NewYourTurn(409, "no-card-held",
		"カードがかざされていません。", "カードをスマホの背中に当てて、動かさずに待ってください。",
		"No card is held to the phone.", "Put the card against the back of the phone and keep it still.")
	ErrCardRemoved = problem.NewYourTurn(409, "card-removed",
		"読み取りの途中でカードが離れました。", "申請は送られていません。カードをもう一度かざしてください。",
		"The card was taken away too early.", "No application was sent. Hold the card to the phone again.")
	ErrNotACard = problem.NewRefused(422, "not-a-card",
		"マイナンバーカードではないものがかざされています。", "利用者本人のカードをかざしてください。",
		"What is held to the phone is not an ID card.", "Hold your own ID card to it.")
	ErrCardPassword = problem.NewYourTurn(403, "wrong-card-password",
		"カードの署名用パスワードが違います。", "カードを受け取ったときに決めた、6〜16文字の英数字です。続けて5回間違えるとロックされます。",
		"That is not the card's signature password.", "It is the 6 to 16 letters and digits that you chose when you got the card. Five wrong tries in a row block it.")
	ErrCardBlocked = problem.NewRefused(403, "card-password-blocked",
		"カードの署名用パスワードはロックされています。", "住所地の市区町村の窓口で解除できます。カードと本人確認書類をお持ちください。",
		"The card's signature password is blocked.", "Your municipality's desk can unblock it; bring the card.")
	ErrCardPIN = problem.NewYourTurn(403, "wrong-card-pin",
		"カードの利用者証明用の暗証番号が違います。", "カードを受け取ったときに決めた、4けたの数字です。続けて3回間違えるとロックされます。",
		"That is not the card's authentication PIN.", "It is the 4 digits that you chose when you got the card. Three wrong tries in a row block it.")
	ErrCardPINBlocked = problem.NewRefused(403, "card-pin-blocked",
		"カードの利用者証明用の暗証番号はロックされています。", "住所地の市区町村の窓口で解除できます。カードと本人確認書類をお持ちください。",
		"The card's authentication PIN is blocked.", "Your municipality's desk can unblock it; bring the card.")
	ErrCardFailed = problem.NewCouldNotCheck("card-not-readable",
		"カードを読み取れませんでした。", "申請は送られていません。カードをもう一度かざしてください。",
		"The card could not be read.", "No application was sent. Hold the card to the phone again.")
)

// What a step of a registration can be refused for on this side.
var (
	ErrNothingOpen = problem.NewYourTurn(409, "nothing-open",
		"途中の申請はありません。", "利用申請をはじめから行ってください。",
		"No registration is open on this phone.", "Begin with the application.")
	ErrNotRegistered = problem.NewYourTurn(409, "not-registered",
		"このスマホには、使える電子証明書がありません。", "利用申請をしてから、もう一度お試しください。",
		"This phone has no certificates in use.", "Register it first.")
	ErrWeakSecret = problem.NewYourTurn(422, "weak-secret",
		"人に当てられやすいので使えません。", "生年月日、同じ文字や並んだ文字、カードと同じものは避けて、別のものを選んでください。",
		"This is too easy to guess.", "Avoid your birthday, repeated or neighbouring characters, and the card's password; choose another one.")
	ErrEntriesDiffer = problem.NewYourTurn(422, "entries-differ",
		"2回の入力が一致しません。", "同じものを2回入力してください。まだ何も設定されていません。",
		"The two entries differ.", "Type the same one twice. Nothing was set yet.")
	ErrSecretForm = problem.NewYourTurn(422, "secret-form",
		"文字の種類または長さが違います。", "暗証番号は数字4けた、パスワードは6〜16文字の英数字です。",
		"This does not have the right form.", "A PIN is 4 digits, a password 6 to 16 letters and digits.")
	ErrLockCodeGone = problem.NewYourTurn(410, "lock-code-noted",
		"停止コードは、もう表示できません。", "メモしたものをお使いください。なくしたときは、利用申請をやり直すと新しいコードになります。",
		"The lock code cannot be shown again.", "Use your note. If it is lost, registering again gives a new one.")
)

// What a secret of the phone can be refused for.
var (
	ErrPIN = problem.NewYourTurn(403, "wrong-phone-pin",
		"スマホの暗証番号（4けた）が違います。", "カードの暗証番号ではなく、スマホの登録のときに決めた4けたです。続けて3回間違えるとロックされます。",
		"That is not the phone's PIN.", "It is the 4 digits chosen when this phone was registered, not the card's. Three wrong tries in a row block it.")
	ErrPINBlocked = problem.NewRefused(403, "phone-pin-blocked",
		"スマホの暗証番号（4けた）はロックされています。", "証明書は使われていません。スマホの署名用パスワードで、暗証番号を設定し直せます。",
		"The phone's PIN is blocked.", "Your certificate was not used. The phone's signature password sets a new PIN.")
	ErrPassword = problem.NewYourTurn(403, "wrong-phone-password",
		"スマホの署名用パスワードが違います。", "スマホの登録のときに決めた、6〜16文字の英数字です。続けて5回間違えるとロックされます。",
		"That is not the phone's signature password.", "It is the 6 to 16 letters and digits chosen when this phone was registered. Five wrong tries in a row block it.")
	ErrPasswordBlocked = problem.NewRefused(403, "phone-password-blocked",
		"スマホの署名用パスワードはロックされています。", "証明書は使われていません。カードとカードの署名用パスワードがあれば、「署名用パスワードを忘れた」から新しく設定できます。",
		"The phone's signature password is blocked.", "Your certificate was not used. With your card and its signature password, \"I forgot the signature password\" sets a new one.")
)

// secretProblem says which secret was wrong, how many tries are left, and the
// way back. Other errors pass through.
func secretProblem(err error) error {
	wrong, ok := errors.AsType[*element.SecretError](err)
	if !ok {
		if errors.Is(err, element.ErrNoKeys) {
			return ErrNotRegistered.Because(err)
		}
		return biometricProblem(err)
	}
	p := ErrPIN
	switch {
	case wrong.Which == element.Password && wrong.TriesLeft == 0:
		p = ErrPasswordBlocked
	case wrong.Which == element.Password:
		p = ErrPassword
	case wrong.TriesLeft == 0:
		p = ErrPINBlocked
	}
	return p.With("which", string(wrong.Which)).With("tries_left", wrong.TriesLeft).Because(err)
}

// cardProblem turns what a tap or a card answered into our words.
func cardProblem(err error) error {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p
	}
	if wrong, ok := errors.AsType[*eid.SecretError](err); ok {
		p, which := ErrCardPassword, "card-password"
		switch {
		case wrong.Which == eid.AuthPIN && wrong.Blocked():
			p, which = ErrCardPINBlocked, "card-pin"
		case wrong.Which == eid.AuthPIN:
			p, which = ErrCardPIN, "card-pin"
		case wrong.Blocked():
			p = ErrCardBlocked
		}
		return p.With("which", which).With("tries_left", wrong.TriesLeft).Because(err)
	}
	switch {
	case errors.Is(err, reader.ErrCardRemoved):
		return ErrCardRemoved.Because(err)
	case errors.Is(err, eid.ErrNotJPKI), errors.Is(err, eid.ErrNotOpen):
		return ErrNotACard.Because(err)
	case errors.Is(err, eid.ErrAbsent):
		return ra.ErrNoSignature.Because(err)
	}
	return ErrCardFailed.Because(err)
}

// choiceProblem gives a refused choice its code and keeps the *secret.WeakError.
func choiceProblem(which element.Which, err error) error {
	weak, ok := errors.AsType[*secret.WeakError](err)
	if !ok {
		return err
	}
	p := ErrWeakSecret.With("which", string(which)).With("reason", string(weak.Reason)).Because(err)
	ja, en := "暗証番号（4けた）は、", "For the PIN choose something other than "
	if which == element.Password {
		ja, en = "署名用パスワードは、", "For the signature password choose something other than "
	}
	switch weak.Reason {
	case secret.WeakSame:
		ja, en = ja+"同じ文字だけのもの", en+"one character repeated."
	case secret.WeakSequence:
		ja, en = ja+"1234 のように並んだもの", en+"a row such as 1234."
	case secret.WeakBirth:
		ja, en = ja+"誕生日", en+"your birth date."
	case secret.WeakSameAsCard:
		ja, en = ja+"カードのパスワードと同じもの", en+"the card's password."
	default:
		return p
	}
	p.JA.Detail, p.EN.Detail = ja+"を避けて、別のものを選んでください。まだ何も設定されていません。", en+" Nothing was set yet."
	return p
}
