package helpdesk

import "tegata/internal/problem"

// What an agent or a helper may meet, beside what the issuer says.
var (
	ErrSupportForm = problem.NewYourTurn(400, "support-form",
		"サポート番号は6けたの数字です。", "スマホの画面の番号を、もう一度聞いてください。回数には数えていません。",
		"A support number has 6 digits.", "Ask for the number on the phone's screen again. No try was counted.")
	ErrFactsForm = problem.NewYourTurn(400, "facts-form",
		"氏名・住所・生年月日・性別の4つをすべて入力してください。", "聞き取った内容を確かめてください。回数には数えていません。まだ止まっていません。",
		"Enter all four: name, address, birth date and sex.", "Check what you heard. No try was counted, and nothing is stopped yet.")
	ErrNoCase = problem.NewRefused(404, "no-such-case",
		"この受付番号の記録はありません。", "番号を確かめるか、一覧から選んでください。",
		"There is no case with this number.", "Check the number, or choose from the list.")
)
