using Bulkhead.Cli.Traffic;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Tests.Traffic;

public sealed class GapNotesTests
{
    [Fact]
    public void Each_kind_of_gap_is_a_sentence_that_names_who_has_most_of_it()
    {
        var gaps = new MapGaps(1210, 1, 7, 5, [Of("web", 1200, 0, 0), Of("db", 5, 0, 1), Of("app", 3, 0, 4), Of("cache", 2, 1, 2), Of("mail", 0, 0, 0)]);
        Assert.Equal(
            [
                "Agents lost 1,210 connections or blocked packets (web 1,200, db 5, app 3 and others): there was more traffic than is shown.",
                "Traffic is missing from 1 connection that is shown (cache 1).",
                "The process is missing from up to 7 connections that are shown, since what tells it was lost (app 4, cache 2, db 1).",
            ],
            GapNotes.Of(gaps));
        Assert.Empty(GapNotes.Of(new(0, 0, 0, 0, [])));
    }

    private static WorkloadGaps Of(string name, long lost, long incomplete, long unnamed) => new(Guid.Empty, name, lost, incomplete, unnamed);
}
