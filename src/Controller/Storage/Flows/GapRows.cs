namespace Bulkhead.Controller.Storage.Flows;

/// <summary>The table of gaps in a day's file, which is called after the first of them: a row a batch that has any, in the transaction of its flows.</summary>
internal sealed class GapRows
{
    private readonly SqliteFile _file;
    private readonly Statement _insert;

    /// <summary>Adds the columns that a file of an older controller lacks.</summary>
    public GapRows(SqliteFile file)
    {
        _file = file;
        if (file.Scalar("SELECT count(*) FROM pragma_table_info('losses') WHERE name = 'unnamed'") == 0)
        {
            file.Transact(() =>
            {
                file.Execute("ALTER TABLE losses ADD COLUMN incomplete INTEGER NOT NULL DEFAULT 0");
                file.Execute("ALTER TABLE losses ADD COLUMN unnamed INTEGER NOT NULL DEFAULT 0");
            });
        }

        _insert = file.Prepare("INSERT INTO losses (agent, hour, lost, incomplete, unnamed) VALUES (?, ?, ?, ?, ?)");
    }

    /// <summary>Adds one, within the caller's transaction.</summary>
    public void Insert(in HourOfGaps hour) => _insert
        .Bind(1, hour.Agent.ToByteArray()).Bind(2, hour.Hour).Bind(3, hour.Gaps.Lost).Bind(4, hour.Gaps.Incomplete).Bind(5, hour.Gaps.Unnamed).Step();

    /// <summary>Every one.</summary>
    public IEnumerable<HourOfGaps> All()
    {
        var rows = _file.Prepare("SELECT agent, hour, lost, incomplete, unnamed FROM losses");
        while (rows.Step())
        {
            yield return new(new(rows.Blob(0)), rows.Int64(1), new(rows.Int64(2), rows.Int64(3), rows.Int64(4)));
        }
    }
}
