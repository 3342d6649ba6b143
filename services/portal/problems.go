package portal

import (
	"net/http"

	"tegata/internal/problem"
)

// ErrReceiptNumber is a receipt's number in a form that none has.
var ErrReceiptNumber = problem.NewYourTurn(400, "receipt-number",
	"失効証明の番号の形が違います。", "22文字の番号を、QRコードから開くか、もう一度入力してください。何も変わっていません。",
	"This is not the number of a revocation receipt.", "Open it from the QR code, or enter its 22 characters again. Nothing has changed.")

// A receipt whose signature, or whose signer, is not what it must be: nobody is shown
// green by it.
var (
	ErrReceiptNotSigned = problem.NewRefused(502, "receipt-not-signed",
		"失効証明の署名を確かめられませんでした。", "発行者の署名ではないか、いまのものではありません。このスマホを引き取らないでください。",
		"The signature of the receipt does not hold.", "It is not the issuer's, or not of this moment. Do not take the phone over.")
	ErrReceiptStatus = problem.NewCouldNotCheck("receipt-signer-unknown",
		"失効証明に署名した発行者の状態を確かめられませんでした。", "まだ何も分かっていません。しばらくしてからもう一度お試しください。",
		"Whether the receipt's signer is still good could not be checked.", "Nothing is known yet. Try again in a while.")
)

// What is wrong with what somebody typed to stop a lost phone. Neither was sent to the
// issuer, and neither cost a try.
var (
	ErrLostForm = problem.NewYourTurn(400, "lost-form",
		"生年月日と停止コードを入力してください。", "停止コードは、登録のときに書きとめた11けたの数字です。まだ止まっていません。入力の回数には数えていません。",
		"Enter the birth date and the lock code.", "The lock code is the 11 digits that you noted when you registered. Nothing is stopped yet, and no try was counted.")
	ErrLostDigit = problem.NewYourTurn(400, "lost-digit",
		"停止コードのどこかの数字が違います。", "書きとめたものと1けたずつ比べて、もう一度入力してください。まだ止まっていません。入力の回数には数えていません。",
		"A digit of the lock code is not right.", "Compare it with your note, digit by digit, and enter it again. Nothing is stopped yet, and no try was counted.")
)

// ErrReceiptIncomplete is a check with a field left empty.
var ErrReceiptIncomplete = problem.NewYourTurn(400, "receipt-incomplete",
	"番号とスマホの印の両方を入力してください。", "スマホの印は、消去したスマホのホームに出る8文字です。",
	"Enter both the number and the phone's tag.", "The tag is the 8 characters on the first screen of the wiped phone.")

// What becomes of a session whose certificate is no longer good.
var (
	ErrSessionHeld = problem.New(problem.Refused, http.StatusUnauthorized, "session-held",
		problem.Text{Title: "ログインは終わりました。", Detail: "このログインに使ったスマホの証明書が、一時停止されたためです。スマホが手元にあるなら、スマホの「見つかったとき」から、カードで再開できます。"},
		problem.Text{Title: "This session has ended.", Detail: "The certificate of the phone that logged in was suspended. If you have the phone, resume it there with the card."})
	ErrSessionRevoked = problem.New(problem.Refused, http.StatusUnauthorized, "session-revoked",
		problem.Text{Title: "ログインは終わりました。", Detail: "このログインに使ったスマホの証明書が、失効したためです。新しいスマホ、または登録しなおしたスマホでログインしてください。"},
		problem.Text{Title: "This session has ended.", Detail: "The certificate of the phone that logged in was revoked. Log in with the new phone, or register again."})
	ErrSessionUnchecked = problem.NewCouldNotCheck("session-unchecked",
		"ログインが今も有効か、確認できませんでした。", "確認できるまで、情報は表示しません。ログインはそのままです。少し待って、もう一度お試しください。",
		"Could not find out whether this session is still good.", "Nothing is shown until that is known. You are still logged in. Wait a moment and try again.")
)

// ErrNoSuspend is a session that cannot suspend: it is from before the portal could.
var ErrNoSuspend = problem.NewYourTurn(409, "suspend-login-again",
	"もう一度ログインしてから、一時停止してください。", "スマホが手元にないときは、停止コードかカードで一時停止できます。まだ止まっていません。",
	"Log in again to suspend.", "Without the phone, suspend by lock code or card. Nothing is suspended yet.")

// What a person may meet at the desk.
var (
	ErrNoRules = problem.NewYourTurn(409, "rules-login-again",
		"もう一度ログインしてから、制限を開いてください。", "何も変わっていません。いま決まっている制限は、そのまま働いています。",
		"Log in again to open the limits.", "Nothing has changed. What you limited goes on being kept.")
	ErrNoLinks = problem.NewYourTurn(409, "links-login-again",
		"もう一度ログインしてから、連携中のサービスを開いてください。", "何も変わっていません。",
		"Log in again to see the services that you use.", "Nothing has changed.")
	ErrNoChange = problem.NewRefused(404, "rules-change-unknown",
		"この変更は見つかりません。", "何も変わっていません。「使い方の制限」から、もう一度選んでください。",
		"There is no such change.", "Nothing has changed. Choose again under \"Limits\".")
	ErrRulesForm = problem.NewYourTurn(400, "rules-form",
		"選んだ内容を読み取れませんでした。", "何も変わっていません。もう一度選んでください。",
		"What was chosen could not be read.", "Nothing has changed. Choose again.")
	ErrNoUse = problem.NewRefused(404, "use-unknown",
		"この利用は、いまの一覧にありません。", "一覧は、ログインした時のものです。ログインし直すと新しくなります。",
		"This use is not in the present list.", "The list is of when you logged in. Log in again for a new one.")
	ErrNoCase = problem.NewRefused(404, "case-unknown",
		"この受付番号は見つかりません。", "番号を確かめるか、ホームの「届け出」から開いてください。",
		"There is no such case.", "Check the number, or open it from \"Reports\" on the home page.")
	ErrCaseUnkept = problem.New(problem.OurFault, http.StatusInternalServerError, "case-not-kept",
		problem.Text{Title: "スマホは一時停止しました。届け出は、記録できませんでした。", Detail: "スマホは、もう使えません。受付番号はありません。相談窓口に電話して、身に覚えのない利用の相手と日時を伝えてください。"},
		problem.Text{Title: "Your phone is suspended. Your report could not be kept.", Detail: "The phone cannot be used any more. There is no number. Call the helpdesk, and tell who asked for the use and when."})
)

// ErrNoTrust is a session that cannot ask about people who trust each other: it is from
// before the portal could.
var ErrNoTrust = problem.NewYourTurn(409, "trust-login-again",
	"もう一度ログインしてから、信頼できる人の画面を開いてください。", "何も変わっていません。",
	"Log in again to see the people you trust.", "Nothing has changed.")

// What a browser may not have. ErrNoPush is a session that cannot have it told: it is from
// before the portal could.
var (
	ErrNoPush = problem.NewYourTurn(409, "push-login-again",
		"もう一度ログインしてから、この端末のお知らせを設定してください。", "お知らせは、いつもの送り先に届きます。何も変わっていません。",
		"Log in again to set notices on this device.", "Notices reach you where they always do. Nothing has changed.")
	ErrPushService = problem.NewRefused(400, "push-service",
		"このブラウザーには、お知らせを出せません。", "お知らせは、いつもの送り先に届きます。何も変わっていません。",
		"This browser cannot be told of notices.", "Notices reach you where they always do. Nothing has changed.")
	ErrPushLimit = problem.NewRefused(409, "push-limit",
		"お知らせを出す端末は5台までです。", "すべて止めてから、使う端末で、もう一度設定してください。",
		"Five devices at most are told of notices.", "End it for all of them, and set it again on those that you use.")
)

// What is wrong with the code of an invitation that somebody typed. Neither was sent to
// the issuer, and neither cost a try.
var (
	ErrTrustCodeForm = problem.NewYourTurn(400, "trust-code-form",
		"招待の番号を9けたで入力してください。", "招待した人の画面に出ている番号です。入力の回数には数えていません。",
		"Enter the invitation's code of 9 digits.", "It is shown on the page of the person who invited you. No try was counted.")
	ErrTrustCodeDigit = problem.NewYourTurn(400, "trust-code-digit",
		"招待の番号の、どこかの数字が違います。", "招待した人の画面の番号と、1けたずつ比べて、もう一度入力してください。入力の回数には数えていません。",
		"A digit of the invitation's code is not right.", "Compare it with the page of the person who invited you, digit by digit. No try was counted.")
)

// What a person may meet while logging in.
var (
	ErrOtherBrowser = problem.New(problem.Refused, http.StatusForbidden, "login-other-browser",
		problem.Text{Title: "このブラウザーで始めたログインではありません。", Detail: "ログインは完了していません。だれかに送られたリンクなら、開かずに閉じてください。ご自分のログインなら、始めたブラウザーで「ログイン」からやり直してください。"},
		problem.Text{Title: "This login was not begun in this browser.", Detail: "Nobody was logged in. If somebody sent you the link, close it. If it was you, start again in the browser where you began."})
	ErrLoginOver = problem.New(problem.YourTurn, http.StatusGone, "login-over",
		problem.Text{Title: "ログインの受付時間が過ぎました。", Detail: "何も変わっていません。もう一度「ログイン」を押してください。"},
		problem.Text{Title: "The time for this login is over.", Detail: "Nothing has changed. Press log in once more."})
	ErrNotLoggedIn = problem.New(problem.YourTurn, http.StatusUnauthorized, "not-logged-in",
		problem.Text{Title: "ログインしていません。", Detail: "スマホでログインすると、この画面を利用できます。"},
		problem.Text{Title: "You are not logged in.", Detail: "Log in with your phone to use this page."})
	ErrLoginFailed = problem.New(problem.Refused, http.StatusForbidden, "login-failed",
		problem.Text{Title: "ログインできませんでした。", Detail: "スマホの画面に理由が表示されています。確かめて、もう一度お試しください。"},
		problem.Text{Title: "You could not be logged in.", Detail: "The phone's screen tells why. Look there and try again."})
	ErrHolderRefused = problem.New(problem.Refused, http.StatusForbidden, "holder-refused",
		problem.Text{Title: "スマホで「断る」が選ばれました。", Detail: "ログインしていません。証明書は使われていません。ご自分で断ったのでなければ、利用履歴を確かめてください。"},
		problem.Text{Title: "The request was refused on the phone.", Detail: "Nobody was logged in and no certificate was used. If it was not you, look at the history of uses."})
	ErrWrongNumber = problem.New(problem.Refused, http.StatusForbidden, "match-wrong",
		problem.Text{Title: "選ばれた番号が違いました。", Detail: "ログインは中止しました。この画面を見ていない人が押したのかもしれません。もう一度始めるときは、画面の番号と同じものを選んでください。"},
		problem.Text{Title: "The number that was chosen is not this one.", Detail: "The login was ended; perhaps somebody pressed who does not see this screen. To try again, choose the number shown here."})
	ErrNoName = problem.New(problem.Refused, http.StatusForbidden, "name-not-released",
		problem.Text{Title: "氏名の提供がありませんでした。", Detail: "このポータルでは、はじめてのログインのときに氏名が必要です。もう一度ログインし、スマホで「氏名」を渡すにしてください。"},
		problem.Text{Title: "Your name was not released.", Detail: "The portal needs it at your first login. Log in again and leave the name switched on."})
)

// failures maps the verifier's codes to sentences of the portal's own; any other
// code is ErrLoginFailed with that code beside it.
func failure(code string) *problem.Problem {
	for _, p := range []*problem.Problem{ErrHolderRefused, ErrWrongNumber} {
		if p.Code == code {
			return p
		}
	}
	return ErrLoginFailed.With("verifier_code", code)
}
