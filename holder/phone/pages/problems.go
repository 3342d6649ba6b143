package pages

import (
	"errors"
	"net/http"

	"tegata/internal/problem"
	"tegata/internal/secret"
)

// What the pages themselves refuse.
var (
	errNoLink = problem.New(problem.YourTurn, http.StatusBadRequest, "no-request-link",
		problem.Text{Title: "読み取る内容がありません。", Detail: "相手の画面のQRコードをもう一度読み取るか、リンクを貼り付けてください。"},
		problem.Text{Title: "There is nothing to open.", Detail: "Scan the QR code on the other screen again, or paste its link."})
	errOldForm = problem.New(problem.YourTurn, http.StatusConflict, "old-form",
		problem.Text{Title: "もう一度入力してください。", Detail: "前に開いた画面から送られたので、何もしていません。入力できる回数は減っていません。"},
		problem.Text{Title: "Please enter it again.", Detail: "It came from a page that was opened before, so nothing was done. No try was used up."})
	errOtherChange = problem.New(problem.YourTurn, http.StatusConflict, "loosen-other-change",
		problem.Text{Title: "別の変更が開かれたので、何も変えていません。", Detail: "あとから開かれた変更が、いま下に出ています。自分で開いたものでなければ、暗証番号を入れずに閉じてください。入力できる回数は減っていません。"},
		problem.Text{Title: "Another change was opened, so nothing was changed.", Detail: "Below is the one that was opened later. If it was not you, close it without entering the PIN. No try was used up."})
	errOtherAddress = problem.New(problem.YourTurn, http.StatusConflict, "address-other",
		problem.Text{Title: "別のアドレスが入力されたので、何も変えていません。", Detail: "あとから入力されたアドレスが、いま下に出ています。自分で入力したものでなければ、暗証番号を入れずに閉じてください。入力できる回数は減っていません。"},
		problem.Text{Title: "Another address was entered, so nothing was changed.", Detail: "Below is the one that was entered later. If it was not you, close it without entering the PIN. No try was used up."})
	errStartAgain = problem.New(problem.YourTurn, http.StatusConflict, "start-again",
		problem.Text{Title: "もう一度、カードの署名用パスワードから入力してください。", Detail: "入力した内容は15分で消えます。カードの署名用パスワードと、このスマホの暗証番号は、どこにも残していません。"},
		problem.Text{Title: "Please begin again with the card's signature password.", Detail: "What you typed is dropped after 15 minutes. Neither the card's password nor this phone's PIN was kept anywhere."})
)

// words turns an error that has no words of its own into a problem that has.
func words(err error) error {
	var weak *secret.WeakError
	if errors.As(err, &weak) {
		return problem.New(problem.YourTurn, http.StatusUnprocessableEntity, "weak-secret",
			problem.Text{Title: "人に当てられやすいので使えません。", Detail: "別のものを選んでください。"},
			problem.Text{Title: "This is too easy to guess.", Detail: "Choose another one."}).With("reason", string(weak.Reason)).Because(err)
	}
	return err
}

// weakReason is the key of the sentence that says why a choice is refused; ""
// when err is no refusal of a choice.
func weakReason(err error) string {
	var weak *secret.WeakError
	if errors.As(err, &weak) {
		return "weak." + string(weak.Reason)
	}
	return ""
}
