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
	ErrReporter = problem.NewRefused(401, "reporter-unknown",
		"呼び出し元を確認できません。", "届け出を送れるのは、この窓口に登録されたポータルだけです。",
		"The caller could not be recognised.", "Only a portal that is registered with this helpdesk may report.")
	ErrReportForm = problem.NewRefused(400, "report-form",
		"届け出の内容が正しくありません。", "項目と形式を確かめてください。",
		"The report is not of the required form.", "Check its fields.")
	ErrReportConflict = problem.NewRefused(409, "report-conflict",
		"同じ番号で別の届け出が届きました。", "先に届いた内容はそのまま残っています。",
		"Another report arrived under the same number.", "What arrived first stands.")
	ErrReportMoved = problem.NewRefused(409, "report-moved",
		"この届け出は、いまはその状態ではありません。", "ほかの担当者が先に進めたのかもしれません。画面の状態を確かめてください。何も変えていません。",
		"This report is in another state now.", "Another agent may have been first. See how it stands; nothing was changed.")
	ErrReportWord = problem.NewYourTurn(400, "report-word",
		"1つ選んでください。", "何も変えていません。",
		"Choose one of the words.", "Nothing was changed.")
)
