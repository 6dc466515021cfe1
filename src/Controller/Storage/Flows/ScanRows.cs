using Bulkhead.Policy.Addresses;

namespace Bulkhead.Controller.Storage.Flows;

/// <summary>The table of scans in a day's file: a row a window, in the transaction of its flows.</summary>
internal sealed class ScanRows
{
    private readonly SqliteFile _file;
    private readonly Statement _insert;

    /// <summary>Makes the table in a file that has none, as one of an older controller.</summary>
    public ScanRows(SqliteFile file)
    {
        _file = file;
        file.Execute("""
            CREATE TABLE IF NOT EXISTS scans (
              agent BLOB NOT NULL, side INTEGER NOT NULL, space TEXT NOT NULL, source BLOB NOT NULL, process TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
              targets INTEGER NOT NULL, addresses INTEGER NOT NULL, connections INTEGER NOT NULL, blocked INTEGER NOT NULL,
              first_port INTEGER NOT NULL, last_port INTEGER NOT NULL, samples TEXT NOT NULL)
            """);
        _insert = file.Prepare("INSERT INTO scans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    }

    /// <summary>Adds one, within the caller's transaction.</summary>
    public void Insert(ScanSighting scan) => _insert
        .Bind(1, scan.Agent.ToByteArray()).Bind(2, (int)scan.Side).Bind(3, scan.Source.Space.Name).Bind(4, scan.Source.Address.ToBytes()).Bind(5, scan.Process)
        .Bind(6, scan.First).Bind(7, scan.Last).Bind(8, scan.Targets).Bind(9, scan.Addresses).Bind(10, scan.Connections).Bind(11, scan.Blocked)
        .Bind(12, scan.FirstPort).Bind(13, scan.LastPort).Bind(14, string.Join('\n', scan.Samples)).Step();

    /// <summary>Every one, in the order in which they were stored.</summary>
    public IEnumerable<ScanSighting> All()
    {
        var rows = _file.Prepare("SELECT agent, side, space, source, process, first, last, targets, addresses, connections, blocked, first_port, last_port, samples FROM scans ORDER BY rowid");
        while (rows.Step())
        {
            if (!IpAddress.TryRead(rows.Blob(3), out var source))
            {
                continue;
            }

            yield return new()
            {
                Agent = new(rows.Blob(0)),
                Side = (FlowSide)rows.Int64(1),
                Source = new(new(rows.Text(2)), source),
                Process = rows.Text(4),
                First = rows.Int64(5),
                Last = rows.Int64(6),
                Targets = rows.Int64(7),
                Addresses = rows.Int64(8),
                Connections = rows.Int64(9),
                Blocked = rows.Int64(10),
                FirstPort = (ushort)rows.Int64(11),
                LastPort = (ushort)rows.Int64(12),
                Samples = rows.Text(13).Split('\n', StringSplitOptions.RemoveEmptyEntries),
            };
        }
    }
}
