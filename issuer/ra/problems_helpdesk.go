package ra

import "tegata/internal/problem"

// Refusals at the helpdesk's doors. None tells whether somebody exists.
var (
	ErrFactsForm = problem.NewYourTurn(400, CodeFactsForm,
		"氏名・住所・生年月日・性別の4つをすべて入力してください。", "聞き取った内容を確かめてください。回数には数えていません。まだ止まっていません。",
		"Enter all four: name, address, birth date and sex.", "Check what you heard. No try was counted, and nothing is stopped yet.")
	ErrFactsWrong = problem.NewRefused(403, CodeFactsWrong,
		"この4つの情報で一時停止できるスマホはありません。", "聞き間違いがないか、もう一度1つずつ確かめてください。合わないときは、停止コードかカードで止める方法を案内してください。",
		"No phone can be suspended by these four facts.", "Go through them with the caller once more, one by one. If they do not match, tell the caller how to suspend by lock code or card.")
	ErrFactsTries = problem.NewRefused(429, CodeFactsTries,
		"確認の回数が多すぎます。", "1時間ほど待ってください。急ぐときは、停止コードかカードで止める方法を案内してください。",
		"Too many tries.", "Wait about an hour. If it is urgent, tell the caller how to suspend by lock code or card.")
	ErrSupportNumber = problem.NewRefused(404, CodeSupportNumber,
		"このサポート番号では何も見られません。", "番号の聞き間違いか、10分が過ぎています。スマホで新しい番号を作ってもらってください。",
		"This support number shows nothing.", "It was misheard, or its ten minutes are over. Have the person make a new one on the phone.")
	ErrSupportTries = problem.NewRefused(429, CodeSupportTries,
		"サポート番号の入力回数が多すぎます。", "1時間ほど待ってから、もう一度お試しください。",
		"Too many support numbers were tried.", "Wait about an hour and try again.")
	ErrReportUnknown = problem.NewRefused(404, CodeReportUnknown,
		"この届け出の持ち主は、認証局では分かりません。", "届け出たときに一時停止できなかったか、90日が過ぎています。証明書の状態は出ません。",
		"Whose report this is, the authority does not know.", "The phone could not be stopped when it was made, or 90 days are over. No states are shown.")
)
