package pay

import (
	"errors"
	"net/http"

	"tegata/internal/httpd"
	"tegata/internal/ui"
	"tegata/services/relying"
)

var (
	// errReturn: what came back from the bank is no answer to what this browser began.
	errReturn = errors.New("pay: not the answer to this browser's link")
	// errStale: a login that is older than what it is to allow.
	errStale = errors.New("pay: the login is too old")
)

// word is how one error is said.
type word struct {
	err    error
	status int
	kind   string
	code   string
	title  ui.Text
	detail ui.Text
}

const (
	refused  = "refused"
	yourTurn = "your-turn"
	unclear  = "could-not-check"
	ourFault = "our-fault"
)

// words are what the wallet says of its own refusals, the first that fits.
var words = []word{
	{ErrSecond, 409, refused, "pay-second", ui.Text{JA: "ウォレットは、おひとり1つです。", EN: "Each person has one wallet."},
		ui.Text{JA: "あなたのウォレットは開いています。新しく作ったものはありません。", EN: "Yours is open. Nothing new was made."}},
	{ErrTooYoung, 403, refused, "pay-too-young", ui.Text{JA: "15歳未満の方は、申し込めません。", EN: "Below 15 one cannot apply."},
		ui.Text{JA: "何も保存していません。", EN: "Nothing was stored."}},
	{ErrSignature, 403, refused, "pay-signature", ui.Text{JA: "署名を受け付けられませんでした。", EN: "The signature could not be accepted."},
		ui.Text{JA: "ログインした方の、有効な署名ではありません。ウォレットは開いていません。何も保存していません。", EN: "It is no valid signature of whoever signed in. No wallet was opened and nothing was stored."}},
	{ErrStopped, 403, yourTurn, "pay-stopped", ui.Text{JA: "ウォレットは止まっています。", EN: "The wallet is stopped."},
		ui.Text{JA: "お金は動いていません。使うには、設定の画面でスマートフォンの確認をして再開してください。", EN: "No money moved. To use it, start it again in the settings, with your phone."}},
	{ErrNight, 403, refused, "pay-night", ui.Text{JA: "23時から6時までは、お金は動きません。", EN: "Between 23:00 and 6:00 no money moves."},
		ui.Text{JA: "お金は動いていません。6時を過ぎてからか、設定で夜間の利用を許してから、もう一度お試しください。", EN: "No money moved. Try again after 6:00, or allow the night in the settings."}},
	{ErrAmount, 400, yourTurn, "pay-amount", ui.Text{JA: "金額を、1円以上の整数で入れてください。", EN: "Enter a whole amount of at least ¥1."},
		ui.Text{JA: "お金は動いていません。1日の上限は、1回の上限より小さくできません。", EN: "No money moved. A day's limit is not below that of one charge."}},
	{ErrPayOnce, 403, refused, "pay-limit-once", ui.Text{JA: "1回の支払いの上限をこえています。", EN: "This is over the limit of one payment."},
		ui.Text{JA: "お金は動いていません。", EN: "No money moved."}},
	{ErrPayDay, 403, refused, "pay-limit-day", ui.Text{JA: "1日の支払いの上限をこえます。", EN: "This would be over the day's limit of payments."},
		ui.Text{JA: "お金は動いていません。日付が変わると、また支払えます。", EN: "No money moved. After midnight there is a new day's limit."}},
	{ErrChargeOnce, 403, refused, "pay-charge-once", ui.Text{JA: "1回のチャージの上限をこえています。", EN: "This is over the limit of one charge."},
		ui.Text{JA: "お金は動いていません。", EN: "No money moved."}},
	{ErrChargeDay, 403, refused, "pay-charge-day", ui.Text{JA: "1日のチャージの上限をこえます。", EN: "This would be over the day's limit of charges."},
		ui.Text{JA: "お金は動いていません。日付が変わると、またチャージできます。", EN: "No money moved. After midnight there is a new day's limit."}},
	{ErrFirstDay, 403, refused, "pay-charge-first", ui.Text{JA: "口座をつないで24時間の上限をこえます。", EN: "This is over the limit of the first 24 hours of a linked account."},
		ui.Text{JA: "お金は動いていません。24時間たつと、ふつうの上限までチャージできます。", EN: "No money moved. After 24 hours the ordinary limits hold."}},
	{ErrBalance, 403, refused, "pay-balance", ui.Text{JA: "残高の上限をこえます。", EN: "The wallet would hold more than it may."},
		ui.Text{JA: "お金は動いていません。", EN: "No money moved."}},
	{ErrFunds, 403, refused, "pay-funds", ui.Text{JA: "残高が足りません。", EN: "There is not enough money in the wallet."},
		ui.Text{JA: "お金は動いていません。チャージしてから、もう一度お試しください。", EN: "No money moved. Charge the wallet and try again."}},
	{ErrMandateOver, 409, refused, "pay-mandate-over", ui.Text{JA: "この口座からは、もうチャージできません。", EN: "This account fills the wallet no more."},
		ui.Text{JA: "口座のつながりが終わっています。お金は動いていません。口座の画面でつなぎ直せます。", EN: "The link is over. No money moved. You can link it again."}},
	{ErrUnsettled, 409, yourTurn, "pay-unsettled", ui.Text{JA: "銀行の答えを待っているチャージがあります。", EN: "A charge waits for the bank's answer."},
		ui.Text{JA: "結果が分かってから、もう一度お試しください。", EN: "Try again when it is known."}},
	{ErrMoney, 409, yourTurn, "pay-money", ui.Text{JA: "残高があるウォレットは、やめられません。", EN: "A wallet with money in it cannot be closed."},
		ui.Text{JA: "残高を使い切ってから、もう一度お試しください。", EN: "Spend it first, then try again."}},
	{ErrUnclear, 503, unclear, "pay-charge-open", ui.Text{JA: "銀行の答えを、まだ確かめられません。", EN: "The bank's answer is not known yet."},
		ui.Text{JA: "同じチャージを、答えが分かるまで自動で確かめ続けます。もう一度チャージし直さないでください。2回引き落とされることはありません。", EN: "The same charge is asked about until the answer is clear. Do not charge again. It is never taken twice."}},
	{ErrLedger, 500, ourFault, "pay-ledger", ui.Text{JA: "残高の記録が合いません。", EN: "The record of the balance does not add up."},
		ui.Text{JA: "このウォレットのお金は、調べ終わるまで動きません。", EN: "No money of this wallet moves until that is looked into."}},
	{ErrLinkRefused, 403, refused, "pay-link", ui.Text{JA: "口座はつながっていません。", EN: "No account was linked."},
		ui.Text{JA: "お金は動いていません。", EN: "No money moved."}},
	{ErrBankLetter, 502, refused, "pay-bank-letter", ui.Text{JA: "銀行からの知らせとして認められません。", EN: "This is no letter of the bank."},
		ui.Text{JA: "何も変わっていません。", EN: "Nothing was changed."}},
	{ErrBankAnswer, 502, unclear, "pay-bank-answer", ui.Text{JA: "銀行の答えを読み取れませんでした。", EN: "The bank's answer could not be read."},
		ui.Text{JA: "口座はつながっていません。少し待って、もう一度お試しください。", EN: "Nothing was linked. Wait a moment and try again."}},
	{errReturn, 403, refused, "pay-return", ui.Text{JA: "このブラウザーで始めた手続きではありません。", EN: "This was not begun in this browser."},
		ui.Text{JA: "口座はつながっていません。口座の画面から、もう一度始めてください。", EN: "No account was linked. Begin again at your accounts."}},
	{errStale, 403, yourTurn, "pay-login-again", ui.Text{JA: "もう一度、スマートフォンで確認してください。", EN: "Confirm with your phone once more."},
		ui.Text{JA: "守りをゆるめるには、あらためて本人の確認がいります。設定は変わっていません。", EN: "Taking a protection away needs a new login. Nothing was changed."}},
	{ErrMoved, 409, refused, "pay-moved", ui.Text{JA: "ほかの画面で、先に進んでいます。", EN: "Another page was first."},
		ui.Text{JA: "最初の画面で、いまの状態を確かめてください。", EN: "See how things stand at the start."}},
	{ErrNotFound, 404, refused, "pay-not-found", ui.Text{JA: "見つかりません。", EN: "There is no such thing here."},
		ui.Text{JA: "最初の画面から、もう一度始めてください。", EN: "Begin at the start."}},
	{relying.ErrDenied, 403, yourTurn, "pay-declined", ui.Text{JA: "スマートフォンでの確認は、行われませんでした。", EN: "Nothing was confirmed on the phone."},
		ui.Text{JA: "何も変わっていません。もう一度始められます。", EN: "Nothing was changed. You can begin again."}},
	{relying.ErrNotAsked, 403, refused, "pay-answer", ui.Text{JA: "このブラウザーで始めた確認への回答ではありません。", EN: "This answers nothing that this browser began."},
		ui.Text{JA: "何も変わっていません。始めからやり直してください。", EN: "Nothing was changed. Begin again."}},
	{relying.ErrWeak, 403, refused, "pay-class", ui.Text{JA: "確認の強さが足りません。", EN: "The confirmation was not strong enough."},
		ui.Text{JA: "何も変わっていません。始めからやり直してください。", EN: "Nothing was changed. Begin again."}},
	{relying.ErrOtherSigner, 403, refused, "pay-signer", ui.Text{JA: "署名を受け付けられませんでした。", EN: "The signature could not be accepted."},
		ui.Text{JA: "ログインした方の署名ではありません。何も保存していません。", EN: "It is not of whoever signed in. Nothing was stored."}},
}

// bankWords are the bank's codes as the wallet says them.
var bankWords = map[string]ui.Text{
	"bank-charge-once":  {JA: "銀行の1回の上限をこえています。", EN: "This is over the bank's limit of one charge."},
	"bank-charge-day":   {JA: "銀行の1日の上限をこえます。", EN: "This would be over the bank's limit of a day."},
	"bank-charge-first": {JA: "口座をつないで24時間の上限をこえます。", EN: "This is over the limit of the first 24 hours."},
	"bank-charge-funds": {JA: "銀行口座の残高が足りません。", EN: "There is not enough money in the bank account."},
	"bank-mandate-over": {JA: "銀行で、口座のつながりが終わっています。", EN: "The bank says that the link is over."},
}

// troubleOf says an error to a person.
func troubleOf(w http.ResponseWriter, err error) *ui.Trouble {
	t := ui.TroubleOf(w, err)
	said := func(kind, code string, status int, title, detail ui.Text) *ui.Trouble {
		t.Code, t.Status, t.Title, t.Detail = code, status, title, detail
		switch kind { // problem.Kind is not ours to name
		case refused:
			t.Kind = refused
		case yourTurn:
			t.Kind = yourTurn
		case unclear:
			t.Kind = unclear
		case ourFault:
			t.Kind = ourFault
		}
		return t
	}
	if no, ok := errors.AsType[*BankRefusal](err); ok {
		title, known := bankWords[no.Code]
		if !known {
			title = ui.Text{JA: "銀行は、受け付けませんでした。", EN: "The bank did not accept it."}
		}
		return said(refused, no.Code, http.StatusConflict, title, ui.Text{JA: "お金は動いていません。", EN: "No money moved."})
	}
	for _, x := range words {
		if errors.Is(err, x.err) {
			return said(x.kind, x.code, x.status, x.title, x.detail)
		}
	}
	if _, ok := errors.AsType[*relying.RefusedError](err); ok || errors.Is(err, relying.ErrProvider) {
		return said(unclear, "pay-provider", http.StatusBadGateway, ui.Text{JA: "確認の窓口が、依頼を受け付けませんでした。", EN: "The login desk did not take the request."},
			ui.Text{JA: "何も変わっていません。少し待って、もう一度お試しください。", EN: "Nothing was changed. Wait a moment and try again."})
	}
	if errors.Is(err, httpd.Unreachable) {
		t.Detail = ui.Text{JA: "何も変わっていません。少し待ってからもう一度お試しください。", EN: "Nothing was changed. Wait a moment and try again."}
	}
	return t
}
