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
)
