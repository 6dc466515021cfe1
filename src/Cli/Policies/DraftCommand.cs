using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Documents;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Policies;

/// <summary><c>bulkhead draft</c>: the policy that is being worked on.</summary>
internal static class DraftCommand
{
    private static readonly Argument<FileInfo?> Target = new("FILE") { Description = "Where to; standard output if not given. A name in .json gets JSON, any other YAML.", Arity = ArgumentArity.ZeroOrOne };

    public static Command Create(CliHost host)
    {
        var files = CommonOptions.PolicyFiles();
        var since = CommonOptions.Moment("--since", "Judge the traffic after", host.Clock);
        var until = CommonOptions.Moment("--until", "Judge the traffic before", host.Clock);
        return new Command("draft", "Work on the policy before it is enforced.").With(
            new Command("show", "Show the whole draft.").Runs(host, async call =>
                call.Show(await DraftEdit.ReadAsync(call).ConfigureAwait(false), policy => call.Terminal.WriteText(Formatter.Write(policy)))),
            new Command("changes", "Show how the draft differs from the newest revision.").Runs(host, async call =>
                DraftEdit.Show(call, await call.GetAsync<DraftStatus>("policy/draft/changes").ConfigureAwait(false))),
            new Command("impact", "Show what provisioning the draft would do to the traffic that was seen.").With(since, until).Runs(host, async call =>
                call.Show(
                    await call.GetAsync<DraftImpact>(Query.Add("policy/draft/impact", ("since", call.Value(since)), ("until", call.Value(until)))).ConfigureAwait(false),
                    impact => ImpactSheet.Write(call.Terminal, impact, call.Now, call.Terminal.Out))),
            new Command("assertions", "Show whether the draft's assertions hold, for every workload that could exist; exit with 1 if one fails.").Runs(host, async call =>
            {
                var assertions = await call.GetAsync<IReadOnlyList<AssertionView>>("policy/draft/assertions").ConfigureAwait(false);
                call.Show(assertions, shown => ProofSheets.Write(call.Terminal, shown));
                return assertions.Any(a => a.State is AssertionState.Violated or AssertionState.Undecided) ? ExitCode.Refused : ExitCode.Ok;
            }),
            new Command("health", "Show rules that do nothing, less than they say, or more than the traffic needs.").With(since, until).Runs(host, async call =>
                call.Show(
                    await call.GetAsync<RuleHealthView>(Query.Add("policy/draft/health", ("since", call.Value(since)), ("until", call.Value(until)))).ConfigureAwait(false),
                    health => ProofSheets.Write(call.Terminal, health))),
            new Command("effects", "Show what the draft newly allows and blocks, for every workload that could exist.").Runs(host, async call =>
                call.Show(await call.GetAsync<DraftEffects>("policy/draft/effects").ConfigureAwait(false), effects => ProofSheets.Write(call.Terminal, effects))),
            new Command("apply", "Put the content of YAML or JSON files into the draft; what has the same name is replaced, the rest stays.").With(files).Runs(host, call =>
            {
                var edits = PolicyFile.Read(call.Value(files));
                return edits.LocatedAsync(DraftEdit.ApplyAsync(call, draft => PolicySections.Merge(draft, edits.Document)));
            }),
            new Command("import", "Replace the whole draft by the content of YAML or JSON files.").With(files).Runs(host, call =>
            {
                var whole = PolicyFile.Read(call.Value(files));
                return whole.LocatedAsync(DraftEdit.ApplyAsync(call, _ => whole.Document));
            }),
            new Command("export", "Write the draft to a file, for 'draft import'.").With(Target).Runs(host, async call =>
                Export(call, await DraftEdit.ReadAsync(call).ConfigureAwait(false))),
            new Command("discard", "Throw the draft away: it becomes the newest revision again.").With(CommonOptions.Yes).Runs(host, async call =>
            {
                if (call.Confirmed("Throw all changes of the draft away?"))
                {
                    DraftEdit.Show(call, await call.SendAsync<DraftStatus>(HttpMethod.Post, "policy/draft/discard").ConfigureAwait(false));
                }
            }));
    }

    private static void Export(Call call, PolicyDocument policy)
    {
        if (call.Optional(Target) is not { } target)
        {
            call.Show(policy, _ => call.Terminal.WriteText(Formatter.Write(policy)));
            return;
        }

        try
        {
            File.WriteAllText(target.FullName, target.Extension == ".json" ? PolicyFile.WriteJson(policy) : Formatter.Write(policy));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Failure.Usage($"{target} cannot be written: {error.Message}");
        }

        call.Done($"The draft is in {target}.");
    }
}
