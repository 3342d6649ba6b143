package ra

import "tegata/internal/problem"

// Refusals about the second channel's address.
var (
	ErrContactForm = problem.NewYourTurn(400, CodeContactForm,
		"メールアドレスの形ではありません。", "半角の英数字で、@ の入ったアドレスを1つだけ入力してください。送り先は変わっていません。",
		"This is not a mail address.", "Enter one address with an @ in it, in plain letters. Where notices go has not changed.")
	ErrContactSame = problem.NewRefused(409, CodeContactSame,
		"お知らせは、もうその送り先に届いています。", "変える必要はありません。何も変わっていません。",
		"Notices go to this address already.", "There is nothing to change, and nothing has changed.")
	ErrNoContactChange = problem.NewRefused(409, CodeNoContactChange,
		"取り消せる変更はありません。", "24時間が過ぎて変わったか、もう取り消されています。元に戻すには、もう一度カードで変えてください。",
		"There is no change to take back.", "Its 24 hours are over, or it was taken back. To return to the old address, change it once more with your card.")
)
