package oidc

import "tegata/internal/problem"

const (
	nothingGivenJA = "何も渡していません。"
	nothingGivenEN = "Nothing was given. "
)

// What a person may meet between a relying party and the phone.
var (
	// ErrRequest is a request that cannot be answered at the address that it names.
	ErrRequest = problem.NewRefused(400, "openid-request",
		"連携先のサービスからの依頼が正しくありません。", nothingGivenJA+"もとのサービスの画面に戻って、もう一度やり直してください。続くときは、そのサービスにお知らせください。",
		"The service's request is not in order.", nothingGivenEN+"Go back to the service and try again; if it stays, tell the service.")
	ErrClientUnknown = problem.NewRefused(400, "openid-client",
		"登録されていないサービスからの依頼です。", nothingGivenJA+"このサービスを使わないでください。",
		"This service is not registered here.", nothingGivenEN+"Do not use it.")
	ErrLoginOver = problem.NewYourTurn(410, "openid-login-over",
		"この依頼は終わったか、時間が過ぎました。", nothingGivenJA+"もとのサービスの画面から、もう一度やり直してください。",
		"This request is over, or its time is.", nothingGivenEN+"Begin again at the service.")
	ErrOtherBrowser = problem.NewRefused(403, "openid-other-browser",
		"このブラウザーで始めた依頼ではありません。", nothingGivenJA+"届いたリンクから開いたのなら、応じないでください。自分で始めたのなら、始めたブラウザーで続けてください。",
		"This request was not begun in this browser.", nothingGivenEN+"If you came by a link that somebody sent, do not go on. If you began it, go on in the browser where you did.")
	// ErrRegistration tells the operator what of a registration does not hold together.
	ErrRegistration = problem.NewYourTurn(422, "openid-registration",
		"この登録はできません。", "何も変わっていません。why に書かれた項目を直して、もう一度送ってください。",
		"This cannot be registered.", "Nothing has changed. Mend what why names and send it again.")
	// ErrNoLink answers who would end a link with a party that there is not.
	ErrNoLink = problem.NewRefused(404, "link-unknown",
		"このサービスは登録されていません。", "何も変わっていません。「連携中のサービス」の一覧から選びなおしてください。",
		"There is no such service.", "Nothing has changed. Choose again from the list of linked services.")
	ErrLogoutRequest = problem.NewRefused(400, "openid-logout",
		"ログアウトの依頼が正しくありません。", "何も変わっていません。もとのサービスの画面でログアウトしてください。",
		"The request to log out is not in order.", "Nothing has changed. Log out at the service itself.")
	// ErrLogoutState answers a state that is longer than an authorization request's may be.
	ErrLogoutState = problem.NewRefused(400, "openid-logout-state",
		"ログアウトの依頼の state が長すぎます。", "何も変わっていません。サービスを開発している方は、state を1024バイトまでにしてください。",
		"The state of the request to log out is too long.", "Nothing has changed. Developers: a state has at most 1024 bytes.")
	ErrTooManyAsks = problem.New(problem.YourTurn, 429, "openid-too-many-asks",
		problem.Text{Title: "この依頼でスマートフォンに尋ねた回数が多すぎます。", Detail: nothingGivenJA + "もとのサービスの画面から、もう一度やり直してください。"},
		problem.Text{Title: "The phone was asked too often in this request.", Detail: nothingGivenEN + "Begin again at the service."})
	ErrTooManyVisits = problem.New(problem.CouldNotCheck, 429, "openid-too-many-visits",
		problem.Text{Title: "この接続元からの依頼が続いたため、受け付けを止めています。", Detail: nothingGivenJA + "1分ほど待って、もとのサービスの画面からやり直してください。"},
		problem.Text{Title: "Too many requests came from here.", Detail: nothingGivenEN + "Wait a minute and begin again at the service."})
)

// What a relying party may meet that brings a document, or has one checked, by access token.
var (
	ErrAccessToken = problem.NewRefused(401, "access-token",
		"このアクセストークンでは開けません。", "Authorization: DPoP で、期限内のトークンを送ってください。",
		"This access token opens nothing here.", "Send one that stands, as Authorization: DPoP.")
	ErrProof = problem.NewRefused(401, "dpop-proof",
		"DPoPの証明が、このトークンと依頼のものではありません。", "方法（htm）、宛先（htu）、ath、鍵、時刻を確かめ、毎回新しく作ってください。",
		"The DPoP proof is not of this token and request.", "Check htm, htu, ath, key and time, and make a new one each time.")
	ErrSignScope = problem.NewRefused(403, "sign-scope",
		"このトークンでは、文書を預けることも確かめることもできません。", "scope=sign の client_credentials で得たトークンを使ってください。",
		"This token neither brings documents nor has any checked.", "Use one of grant_type=client_credentials with scope=sign.")
	ErrSignMany = problem.New(problem.CouldNotCheck, 429, "sign-too-many",
		problem.Text{Title: "文書が続けて来すぎています。", Detail: "少し待って、もう一度送ってください。"},
		problem.Text{Title: "Too many documents came at once.", Detail: "Wait a little and send it again."})
	ErrVerifyMany = problem.New(problem.CouldNotCheck, 429, "verify-too-many",
		problem.Text{Title: "署名の確かめが続けて来すぎています。", Detail: "少し待って、もう一度送ってください。"},
		problem.Text{Title: "Too many verdicts were asked for at once.", Detail: "Wait a little and send it again."})
	ErrSignPurpose = problem.NewRefused(422, "sign-purpose",
		"署名の目的として登録されていません。", "登録した sign_purposes の code を purpose に書いてください。",
		"This is no registered purpose of signing.", "Name the code of one of your sign_purposes.")
	ErrSignEncrypt = problem.NewYourTurn(422, "sign-encrypt",
		"結果を暗号化する鍵が使えません。", "P-256の公開鍵（JWK）に alg ECDH-ES か ECDH-ES+A256KW を付けるか、登録した鍵の kid だけを書いてください。",
		"The result cannot be encrypted to this key.", "Send a public JWK on P-256 with alg ECDH-ES or ECDH-ES+A256KW, or the kid alone of a registered one.")
	ErrSignKey = problem.NewYourTurn(422, "idempotency-key",
		"Idempotency-Keyが使えません。", "200文字までのものを1つ送り、別の内容には別のものを使ってください。",
		"This Idempotency-Key cannot be used.", "Send one of at most 200 characters, and another one with another content.")
	ErrSignUnknown = problem.NewRefused(404, "sign-transaction-unknown",
		"この署名の依頼は見つかりません。", "番号を確かめてください。署名されないまま10分が過ぎると消えます。",
		"There is no such signature transaction.", "Check its id. One that is not used ends after ten minutes.")
	ErrSignLogin = problem.NewRefused(403, "sign-login-needed",
		"署名した人のログインのトークンが必要です。", "scope openid sign のログインで得たアクセストークンで受け取ってください。",
		"This takes the token of the login in which it was signed.", "Fetch it with the access token of the login with the scope openid sign.")
	ErrSignOther = problem.NewRefused(403, "sign-login-other",
		"別のログインのトークンです。", "この文書に署名したログインのアクセストークンで受け取ってください。",
		"This token is of another login.", "Fetch it with the token of the login in which this document was signed.")
)
