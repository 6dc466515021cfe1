using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Documents;
using Bulkhead.Cli.Output;

namespace Bulkhead.Cli.Policies;

/// <summary>The commands that every section of the draft has: list, show, apply, delete.</summary>
internal static class SectionCommand
{
    /// <param name="host">The program's surroundings.</param>
    /// <param name="section">Which section.</param>
    /// <param name="description">What it holds.</param>
    /// <param name="headings">Of the list.</param>
    /// <param name="row">One object as cells of the list.</param>
    /// <param name="sheet">Writes one object at length; null if its row says it all.</param>
    public static Command Create<T>(CliHost host, PolicySection<T> section, string description, string[] headings, Func<T, Cell[]> row, Action<Call, T>? sheet = null)
    {
        var key = new Argument<string>("NAME") { Description = $"The {section.Noun}." };
        var keys = new Argument<string[]>("NAME") { Description = $"The {section.Noun}.", Arity = ArgumentArity.OneOrMore };
        var files = CommonOptions.PolicyFiles();
        return new Command(section.Command, description).With(
            new Command("list", "List what the draft has.").Runs(host, async call =>
            {
                var items = section.Read(await DraftEdit.ReadAsync(call).ConfigureAwait(false));
                call.Show(items, _ => List(items).WriteTo(call.Terminal.Out, $"The draft has none. Add some with: bulkhead {section.Command} apply FILE"));
            }),
            new Command("show", "Show one.").With(key).Runs(host, async call =>
            {
                var item = section.Find(await DraftEdit.ReadAsync(call).ConfigureAwait(false), call.Value(key));
                call.Show(item, _ =>
                {
                    if (sheet is null)
                    {
                        List([item]).WriteTo(call.Terminal.Out, "");
                    }
                    else
                    {
                        sheet(call, item);
                    }
                });
            }),
            new Command("apply", "Put the content of YAML or JSON files into the draft; what has the same name is replaced.").With(files).Runs(host, call =>
            {
                var edits = PolicyFile.Read(call.Value(files), section);
                return edits.LocatedAsync(DraftEdit.ApplyAsync(call, draft => PolicySections.Merge(draft, edits.Document)));
            }),
            new Command("delete", "Take some out of the draft.").With(keys).Runs(host, call =>
                DraftEdit.ApplyAsync(call, draft => section.Without(draft, call.Value(keys)))));

        Listing List(IEnumerable<T> items)
        {
            var listing = new Listing(headings);
            foreach (var item in items)
            {
                listing.Row(row(item));
            }

            return listing;
        }
    }
}
