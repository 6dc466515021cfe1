using System.Globalization;

namespace Bulkhead.Agent.Linux.Processes;

/// <summary>Names of the host's own users, from its passwd file; read again when that changes.</summary>
internal sealed class UserNames(string path = "/etc/passwd")
{
    private Dictionary<uint, string> _names = [];
    private DateTime _readAt;

    /// <summary>The user's name, or the number if it has none here.</summary>
    public string NameOf(uint uid)
    {
        try
        {
            if (File.GetLastWriteTimeUtc(path) is var changed && changed != _readAt)
            {
                _names = Read();
                _readAt = changed;
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            _names = [];
        }

        return _names.TryGetValue(uid, out var name) ? name : uid.ToString(CultureInfo.InvariantCulture);
    }

    private Dictionary<uint, string> Read()
    {
        var names = new Dictionary<uint, string>();
        foreach (var line in File.ReadLines(path))
        {
            var fields = line.Split(':');
            if (fields.Length > 2 && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var uid))
            {
                names.TryAdd(uid, fields[0]);
            }
        }

        return names;
    }
}
