package gateway

import (
	"net/http"

	"tegata/internal/ceremony"
	"tegata/internal/problem"
)

const (
	nothingUsedJA = "証明書は使われていません。"
	nothingUsedEN = "Your certificate was not used. "
	againJA       = "もとの画面からもう一度やり直してください。"
	againEN       = "Begin again on the screen that asked."
)

// What an answer can fail on, in the order in which it is checked. Up to
// path-invalid nothing is changed by a failure.
var (
	ErrAnswerMalformed = problem.NewYourTurn(400, "answer-malformed",
		"スマートフォンからの回答を読み取れませんでした。", nothingUsedJA+"アプリを新しくして、もう一度お試しください。",
		"The phone's answer could not be read.", nothingUsedEN+"Update the app and try again.")
	ErrCertificateKind = problem.NewRefused(403, "unsupported-certificate",
		"この手続きには使えない種類の証明書です。", "スマートフォンの電子証明書で回答してください。",
		"This kind of certificate cannot answer this request.", "Answer with the certificates of a phone.")
	ErrWrongRequest = problem.NewRefused(403, "wrong-request",
		"ほかの依頼への回答です。", nothingUsedJA+againJA,
		"This answers another request.", nothingUsedEN+againEN)
	ErrRequestExpired = problem.NewRefused(410, "request-expired",
		"依頼の有効時間が過ぎました。", nothingUsedJA+againJA,
		"The request's time is over.", nothingUsedEN+againEN)
	ErrRequestUnknown = problem.NewRefused(404, "request-unknown",
		"この依頼は見つかりません。", nothingUsedJA+againJA,
		"There is no such request.", nothingUsedEN+againEN)
	ErrRequestUsed = problem.NewRefused(409, "request-used",
		"この依頼にはもう回答がありました。", "身に覚えがないときは、利用履歴を確かめてください。"+againJA,
		"This request was answered before.", "If that was not you, look at your history. "+againEN)
	ErrSignature = problem.NewRefused(403, "signature-mismatch",
		"回答の署名が正しくありません。", nothingUsedJA+againJA,
		"The answer's signature does not fit.", nothingUsedEN+againEN)
	ErrPath = problem.NewRefused(403, "path-invalid",
		"信頼できる認証局の証明書ではありません。", nothingUsedJA+"スマートフォンの登録を確かめてください。",
		"The certificate does not come from a trusted authority.", nothingUsedEN+"Check the phone's registration.")
	ErrExpired = problem.NewRefused(403, "certificate-expired",
		"証明書の有効期間が過ぎています。", "スマートフォンで利用申請をやり直してください。",
		"The certificate has expired.", "Apply again on the phone.")
	ErrRevoked = problem.NewRefused(403, "certificate-revoked",
		"この証明書は失効しています。", "引き続き使うには、スマートフォンで利用申請をやり直してください。",
		"This certificate has been revoked.", "To go on, apply again on the phone.")
	// ErrDataChanged: a signature certificate that ended because what it says of its person
	// does not hold any more. Nothing is amiss with phone or key, and the way on is another.
	ErrDataChanged = problem.NewRefused(403, "certificate-data-changed",
		"住所や氏名などが変わったため、署名用の電子証明書は失効しています。",
		"署名はしていません。市区町村の窓口でカードの署名用電子証明書を新しくしてから、スマートフォンの「署名用を新しくする」を行ってください。新しくしてから24時間たつと署名できます。ログインは、いまのままできます。",
		"The signature certificate ended because an address, name or other data changed.",
		"Nothing was signed. Have the card's signature certificate renewed at your municipality's desk, then make the phone's new (\"Renew the signature certificate\"); it signs 24 hours after that. Logging in works as before.")
	ErrHeld = problem.NewRefused(403, "certificate-held",
		"この証明書は一時停止中です。", "スマートフォンの「電子証明書を確かめる」で、理由と元に戻し方を確かめてください。",
		"This certificate is on hold.", "The phone's page of its certificates tells why, and the way back.")
	ErrStatusUnavailable = problem.NewCouldNotCheck("status-unavailable",
		"証明書が有効かどうか確認できませんでした。", "何も決まっていません。少し待って、もう一度お試しください。",
		"Could not find out whether the certificate is still good.", "Nothing was decided. Wait a moment and try again.")
	ErrStatusUnknown = problem.NewCouldNotCheck("status-unknown",
		"認証局がこの証明書を知りません。", "登録した直後のときは、少し待ってもう一度お試しください。続くときは窓口へご相談ください。",
		"The authority does not know this certificate.", "Just after registration, wait a moment and try again; if it stays, ask the help desk.")
	ErrRisk = problem.NewRefused(403, "risk-not-met",
		"この手続きには、より確かな本人確認が必要です。", "署名用パスワードでやり直してください。",
		"This needs a surer proof of who you are.", "Try again with the signature password.")
	ErrCoolingOff = problem.NewRefused(403, "cooling-off",
		"登録から24時間は、この手続きに使えません。", "登録から24時間たってから、やり直してください。",
		"Within 24 hours after registration this is not possible.", "Come back 24 hours after the registration.")
	ErrMatch = problem.NewRefused(403, "match-wrong",
		"選んだ番号が、画面の番号と違います。", "この依頼は終わりました。目の前の画面でもう一度始めてください。番号が見当たらないときは、応じないでください。",
		"The number chosen is not the one on the screen.", "This request has ended. Begin again on the screen before you; if you see no number there, do not answer.")
	ErrHolderRefused = problem.NewRefused(403, "holder-refused",
		"本人がこの依頼を断りました。", "何も渡していません。",
		"The holder refused this request.", "Nothing was given.")
)

// What else can keep an answer from being judged.
var (
	ErrClock = problem.NewYourTurn(400, "phone-clock",
		"スマートフォンの時計が合っていません。", nothingUsedJA+"時計を自動設定にして、もう一度お試しください。",
		"The phone's clock is wrong.", nothingUsedEN+"Set it automatically and try again.")
	ErrLinkage = problem.NewCouldNotCheck("person-unavailable",
		"発行者に確認できませんでした。", "何も決まっていません。少し待って、もう一度お試しください。",
		"The issuer could not be asked.", "Nothing was decided. Wait a moment and try again.")
	ErrAttributes = problem.NewRefused(403, "attributes-refused",
		"発行者がこの情報の提供を断りました。", "何も渡していません。スマートフォンの登録を確かめてください。",
		"The issuer did not release these data.", "Nothing was given. Check the phone's registration.")
	ErrTooMany = problem.New(problem.CouldNotCheck, http.StatusTooManyRequests, "too-many-answers",
		problem.Text{Title: "正しくない回答が続いたため、受け付けを止めています。", Detail: "1分ほど待って、もう一度お試しください。"},
		problem.Text{Title: "Too many wrong answers came from here.", Detail: "Wait a minute and try again."})
)

// What can be wrong with a request, or with fetching it.
var (
	ErrCaller = problem.NewRefused(401, "caller-unproved",
		"呼び出し元を確認できません。", "登録した鍵で署名した新しい証明（60秒以内、1回限り）を付けてください。",
		"The caller did not prove who it is.", "Send a fresh assertion signed by the registered key: at most 60 seconds old, used once.")
	ErrRequestMalformed = problem.NewYourTurn(400, "request-malformed",
		"依頼の書式が正しくありません。", "依頼に必要な項目を確かめてください。",
		"The request is malformed.", "Check the fields of the request.")
	ErrPartyUnregistered = problem.NewRefused(403, "party-not-registered",
		"この事業者は登録されていません。", nothingUsedJA+"依頼に応じないでください。",
		"The asking party is not registered.", nothingUsedEN+"Do not answer it.")
	ErrPartyCertificate = problem.NewRefused(403, "party-certificate",
		"事業者の証明書が有効ではありません。", nothingUsedJA+"事業者の証明書を確かめてください。",
		"The asking party's certificate is not good.", nothingUsedEN+"Check the party's certificate.")
	ErrNotAsRegistered = problem.NewRefused(403, "not-as-registered",
		"登録された目的や項目と違う依頼です。", "登録済みの目的・文言・項目・鍵だけが使えます。",
		"The request differs from what is registered.", "Only the registered purpose, sentence, data and key may be used.")
	ErrTerminal = problem.NewRefused(403, "terminal-not-registered",
		"この端末は、この事業者のものとして登録されていません。", "登録済みの端末の番号・場所・住所・証明書だけが使えます。",
		"This terminal is not registered for the party.", "Only a registered terminal may be named: its id, place, address and certificate.")
	ErrTerminalCertificate = problem.NewRefused(403, "terminal-certificate",
		"端末の証明書が有効ではありません。", nothingUsedJA+"端末の証明書を確かめてください。",
		"The terminal's certificate is not good.", nothingUsedEN+"Check the terminal's certificate.")
	ErrRiskFloor = problem.NewRefused(403, "below-risk-floor",
		"この目的に必要な確かさより低い依頼です。", "登録された区分以上で依頼してください。",
		"The request is below its purpose's risk class.", "Ask for at least the registered class.")
	ErrChannel = problem.NewRefused(403, "channel-not-allowed",
		"この手続きは、この方法では依頼できません。", "同じ端末、またはかざす方法で依頼してください。",
		"This cannot be asked for over this channel.", "Ask on the same device, or by tap.")
	ErrAudience = problem.NewRefused(400, "wrong-audience",
		"ほかの検証者への依頼です。", "宛先を確かめてください。",
		"The request is for another verifier.", "Check its audience.")
	ErrAddress = problem.NewRefused(400, "wrong-address",
		"回答先や文書の場所が検証者のものではありません。", "検証者の証明書にある場所だけが使えます。",
		"An address in the request is not the verifier's.", "Only the origin in the verifier's certificate may be used.")
	ErrReturnURL = problem.NewRefused(400, "return-url-unknown",
		"登録されていない戻り先です。", "登録済みの戻り先を指定してください。",
		"The return address is not registered.", "Name one of the registered ones.")
	ErrKind = problem.NewRefused(422, "kind-not-supported",
		"この種類の依頼にはまだ対応していません。", "対応している種類は利用案内にあります。",
		"This kind of request is not supported yet.", "The supported kinds are in the guide.")
	ErrRequestTime = problem.NewYourTurn(400, "request-time",
		"依頼の時刻が正しくありません。", "時計を合わせて、新しい依頼を作ってください。",
		"The request's times are wrong.", "Set the clock and make a new request.")
	ErrReplayedRequest = problem.NewRefused(409, "request-replayed",
		"同じ依頼がすでにあります。", "新しい番号で依頼を作ってください。",
		"This request is there already.", "Make a new one with new ids.")
	ErrPhoneHeader = problem.NewYourTurn(400, "phone-header-missing",
		"この住所はスマートフォンのアプリで開きます。", "QRコードやリンクを、登録したスマートフォンで開いてください。",
		"This address is for the phone's app.", "Open the code or link with the registered phone.")
	ErrTaken = problem.NewRefused(409, "request-taken",
		"ほかのスマートフォンがこの依頼を開いています。", "身に覚えがないときは、もとの画面でやり直してください。",
		"Another phone has opened this request.", "If that was not you, begin again on the screen that asked.")
	ErrQRExpired = problem.NewRefused(410, "qr-expired",
		"QRコードの有効時間（60秒）が過ぎました。", "もとの画面で新しいQRコードを表示してください。",
		"The QR code's 60 seconds are over.", "Show a new one on the screen that asked.")
)

// What can keep a result or a history from being read.
var (
	ErrResultUnknown = problem.NewRefused(404, "result-unknown",
		"この結果は見つかりません。", "番号と呼び出し元を確かめてください。",
		"There is no such result.", "Check its id and who asks.")
	ErrBrowserLost = problem.NewRefused(403, "browser-binding-lost",
		"始めたブラウザーと違うか、時間が過ぎたため、完了できません。", "ログインを始めたブラウザーで、もう一度やり直してください。",
		"This is not the browser that began, or it came too late.", "Begin again in the browser where you want to be logged in.")
	ErrResultErased = problem.NewRefused(410, "result-erased",
		"結果の保存時間が過ぎました。", againJA,
		"The result is no longer kept.", againEN)
	ErrGrant = problem.NewRefused(403, "grant-refused",
		"この閲覧の許可は使えません。", "ログインし直してください。",
		"This grant does not open this.", "Log in again.")
	ErrNoParty = problem.NewRefused(404, "party-unknown",
		"この事業者は登録されていません。", "依頼に応じないでください。",
		"No such party is registered.", "Do not answer it.")
)

// subIndication gives a verdict its word of ETSI EN 319 102-1, tables 5 and 6. A
// held certificate counts as revoked with reason certificateHold (RFC 5280,
// section 5.3.1): at a login nobody waits for the hold to end.
func subIndication(code string) (ceremony.Verdict, string) {
	switch code {
	case "":
		return ceremony.Passed, ""
	case ErrExpired.Code:
		return ceremony.Failed, "EXPIRED"
	case ErrRevoked.Code, ErrDataChanged.Code, ErrHeld.Code:
		return ceremony.Failed, "REVOKED"
	case ErrRisk.Code, ErrCoolingOff.Code, ErrAttributes.Code:
		return ceremony.Failed, "SIG_CONSTRAINTS_FAILURE"
	case ErrSignedOther.Code:
		return ceremony.Failed, "HASH_FAILURE"
	case ErrSignedWrong.Code:
		return ceremony.Failed, "SIG_CRYPTO_FAILURE"
	case ErrMatch.Code, ErrHolderRefused.Code, ErrNoParty.Code,
		ErrLocked.Code, ErrQuiet.Code, ErrQuietPIN.Code, ErrRaised.Code, ErrDailyLimit.Code, ErrManyOpenings.Code:
		return ceremony.Failed, "CUSTOM"
	case ErrStatusUnavailable.Code, ErrStatusUnknown.Code, ErrLinkage.Code:
		return ceremony.Indeterminate, "TRY_LATER"
	}
	return ceremony.Failed, "FORMAT_FAILURE"
}
