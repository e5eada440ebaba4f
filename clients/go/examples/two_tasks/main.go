// Two tasks in one browser session: the first signs in, the second searches in the page that is still signed in.
//
// It runs against the demo site (make demo, or python -m demo.site):
//
//	TABKEEP_API_KEY=... go run ./examples/two_tasks http://127.0.0.1:8090
//
// TABKEEP_ADDRESS is the control plane's address, 127.0.0.1:7330 unless given.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	tabkeepv1 "github.com/tabkeep/tabkeep/clients/go/tabkeep/v1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := twoTasks(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "two_tasks:", describe(err))
		os.Exit(1)
	}
}

func twoTasks(ctx context.Context) (err error) {
	if len(os.Args) != 2 {
		return errors.New("usage: two_tasks URL-OF-THE-DEMO-SITE")
	}
	site := os.Args[1]
	connection, err := grpc.NewClient(
		cmp.Or(os.Getenv("TABKEEP_ADDRESS"), "127.0.0.1:7330"),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(apiKey(os.Getenv("TABKEEP_API_KEY"))),
	)
	if err != nil {
		return err
	}
	defer connection.Close()
	sessions := tabkeepv1.NewBrowserSessionServiceClient(connection)
	runs := tabkeepv1.NewRunServiceClient(connection)

	created, err := sessions.CreateBrowserSession(ctx, &tabkeepv1.CreateBrowserSessionRequest{
		Timeout:   durationpb.New(10 * time.Minute),
		RequestId: rand.Text(),
	})
	if err != nil {
		return err
	}
	session := created.GetBrowserSession()
	fmt.Println("session", session.GetBrowserSessionId())
	defer func() {
		// Also after Ctrl-C: a session that nobody closes keeps its browser until its timeout.
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_, closeErr := sessions.CloseBrowserSession(closing, &tabkeepv1.CloseBrowserSessionRequest{
			BrowserSessionId: session.GetBrowserSessionId(),
		})
		if closeErr != nil {
			err = errors.Join(err, closeErr)
			return
		}
		fmt.Println("session closed")
	}()

	for _, task := range []*tabkeepv1.RunTaskRequest{
		{Prompt: "Login with username 'support@company.com' and password 'headphones-4-all'", Url: site + "/desk/login"},
		{Prompt: "Find customer with email 'customer@example.com'"}, // no URL: goes on where the first one ended
	} {
		task.BrowserSessionId = session.GetBrowserSessionId()
		task.RequestId = rand.Text()
		started, err := runs.RunTask(ctx, task)
		if err != nil {
			return err
		}
		if err := watch(ctx, runs, started.GetRun()); err != nil {
			return err
		}
	}
	return nil
}

// watch prints a run's steps as they happen and returns once the run is final, with an error if it did not complete.
func watch(ctx context.Context, runs tabkeepv1.RunServiceClient, run *tabkeepv1.Run) error {
	fmt.Printf("run %s: %s\n", run.GetRunId(), run.GetPrompt())
	descriptions := map[int32]string{}
	for lastSeq := int64(0); ; {
		stream, err := runs.WatchRun(ctx, &tabkeepv1.WatchRunRequest{RunId: run.GetRunId(), AfterSeq: lastSeq})
		for err == nil {
			var update *tabkeepv1.WatchRunResponse
			if update, err = stream.Recv(); err != nil {
				break
			}
			if update.GetRun() != nil {
				run = update.GetRun()
				continue
			}
			lastSeq = update.GetEvent().GetSeq()
			switch event := update.GetEvent().GetKind().(type) {
			case *tabkeepv1.RunEvent_StepStarted:
				descriptions[event.StepStarted.GetStep()] = event.StepStarted.GetDescription()
			case *tabkeepv1.RunEvent_StepFinished:
				step := event.StepFinished
				outcome := "done"
				if step.GetOutcome() != tabkeepv1.StepOutcome_STEP_OUTCOME_DONE {
					outcome = step.GetFailureReason().String() + " " + step.GetMessage()
				}
				took := step.GetDuration().AsDuration().Round(time.Millisecond)
				fmt.Printf("  step %d: %s (%v): %s\n", step.GetStep(), descriptions[step.GetStep()], took, outcome)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		// The control plane restarts or the connection broke: the run goes on, and so does the watch, where it was.
		if status.Code(err) != codes.Unavailable {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	if run.GetStatus() != tabkeepv1.RunStatus_RUN_STATUS_COMPLETED {
		return fmt.Errorf("run %s ended %v, %v: %s",
			run.GetRunId(), run.GetStatus(), run.GetFailureReason(), run.GetFailureMessage())
	}
	output, err := json.Marshal(run.GetOutput().AsInterface())
	fmt.Printf("  completed: %s\n", output)
	return err
}

// describe adds the code and the reason to an error of the control plane: programs decide by these, people read the text.
func describe(err error) string {
	failed, ok := status.FromError(err)
	if !ok {
		return err.Error()
	}
	for _, detail := range failed.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return fmt.Sprintf("%s (%v/%s)", failed.Message(), failed.Code(), info.GetReason())
		}
	}
	return fmt.Sprintf("%s (%v)", failed.Message(), failed.Code())
}

// apiKey goes with every call, unary or streamed.
type apiKey string

func (key apiKey) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"x-api-key": string(key)}, nil
}

// RequireTransportSecurity lets the key go over a plain connection to this machine; answer true for any other.
func (apiKey) RequireTransportSecurity() bool { return false }
