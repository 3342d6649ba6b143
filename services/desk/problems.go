package desk

import "tegata/internal/problem"

// What staff may meet at a desk.
var (
	ErrNotSignedIn = problem.NewYourTurn(401, "desk-not-signed-in",
		"カードで入ってください。", "この画面を使うには、職員カードを読み取り口に置いて入ります。",
		"Sign in with your card.", "Put your staff card to the reader to use this page.")
	ErrCardTaken = problem.NewYourTurn(401, "desk-card-taken",
		"カードが読み取り口から離れたので、終了しました。", "続けるときは、もう一度カードで入ってください。",
		"Your card left the reader: the session has ended.", "To go on, sign in with your card again.")
	ErrIdle = problem.NewYourTurn(401, "desk-idle",
		"15分間操作がなかったので、終了しました。", "カードをいったん取って、もう一度カードで入ってください。",
		"Nothing was pressed for 15 minutes: the session has ended.", "Take the card away and sign in with it again.")
	ErrTaken = problem.NewRefused(409, "desk-taken",
		"この読み取り口は、別のブラウザーで使われています。", "使っている人がカードを取ると、入れるようになります。",
		"Another browser is using this reader.", "You can sign in when that person takes the card away.")
	ErrCrowded = problem.NewYourTurn(409, "desk-crowded",
		"この読み取り口でカードを待つブラウザーが多すぎます。", "もう一度「カードで入る」を押して、新しい番号を使ってください。何度も続くときは、管理者に知らせてください。",
		"Too many browsers wait for a card at this reader.", "Press “Sign in with the card” again and use the new number. If it goes on, tell whoever keeps this desk.")
	ErrNumber = problem.NewYourTurn(403, "desk-number",
		"キーパッドで押された番号が、待っている画面のどれとも合いません。", "だれも入っていません。カードをいったん取って置き直し、自分の画面の番号と暗証番号を押してください。回数には数えていません。",
		"The number typed at the key pad is that of no screen that waits.", "Nobody got in. Take the card away, put it there again, and type the number on your own screen and the PIN. No try was counted.")
	ErrEntryOver = problem.NewYourTurn(410, "desk-entry-over",
		"カードを待つ時間が過ぎました。", "もう一度「カードで入る」を押してください。",
		"The time to put the card is over.", "Press “Sign in with the card” again.")
	ErrNoCard = problem.NewRefused(403, "desk-not-a-card",
		"職員カードとして使えないものが置かれています。", "あなたのカード（公的個人認証のICカード）を置いてください。スマホでは入れません。",
		"What lies there cannot be used to sign in.", "Put your own ID card there. A phone does not open this page.")
	ErrNoKeyPad = problem.NewRefused(409, "desk-no-key-pad",
		"この読み取り口にはキーパッドがありません。", "キーパッドのある読み取り口を使ってください。暗証番号を画面に打ち込むことはできません。",
		"This reader has no key pad.", "Use a reader with one. The PIN cannot be typed on the screen.")
	ErrPIN = problem.NewYourTurn(403, "desk-pin",
		"カードの暗証番号が違います。", "読み取り口のキーパッドで、画面の番号と暗証番号をもう一度押してください。",
		"That is not the card's PIN.", "Type the number on the screen and the PIN again at the reader's key pad.")
	ErrPINBlocked = problem.NewRefused(403, "desk-pin-blocked",
		"カードの暗証番号がロックされています。", "住所地の市区町村の窓口で解除してから、もう一度入ってください。",
		"The card's PIN is blocked.", "Have it unblocked at your municipality's desk, then sign in again.")
	ErrCardBad = problem.NewRefused(403, "desk-card-not-good",
		"このカードの証明書は、いま使えません。", "期限切れ・失効・一時停止のどれかです。市区町村の窓口で確かめてください。",
		"The certificate on this card is not good now.", "It has expired, or is revoked or on hold. Ask at your municipality's desk.")
	ErrCardUnchecked = problem.NewCouldNotCheck("desk-card-unchecked",
		"カードの証明書を確かめられませんでした。", "確かめられないあいだは入れません。少し待ってから、カードを置き直してもう一度お試しください。",
		"The card's certificate could not be checked.", "Nobody gets in unchecked. Wait a moment, put the card there again and try once more.")
	ErrSignature = problem.NewRefused(403, "desk-signature",
		"カードの署名を確かめられませんでした。", "カードを置き直して、もう一度お試しください。",
		"The card's signature does not match.", "Put the card there again and try once more.")
	ErrNotStaff = problem.NewRefused(403, "desk-not-staff",
		"このカードの人は、この窓口の名簿にありません。", "名簿の管理者に確かめてください。カードは使われていません。",
		"The holder of this card is not on this desk's roster.", "Ask whoever keeps the roster. Nothing was done with the card.")
)
